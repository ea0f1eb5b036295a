import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, lookupUser } from "../../../src/host/index.ts";
import { findUser } from "../../../src/host/passwd.ts";
import { searchPath } from "../../../src/host/paths.ts";

test("a program is found in the given directories first, and only if it can be executed", () => {
  const root = mkdtempSync(join(tmpdir(), "kelp-unit-"));
  try {
    writeFileSync(join(root, "sh"), "", { mode: 0o755 });
    writeFileSync(join(root, "ls"), "", { mode: 0o644 });
    mkdirSync(join(root, "cat"));
    expect(findProgram("sh", [root])).toBe(join(root, "sh"));
    expect(findProgram("ls", [root])).toMatch(/^\/(usr\/)?bin\/ls$/);
    expect(findProgram("cat", [root])).toMatch(/bin\/cat$/);
    expect(findProgram("no-such-program-anywhere", [root])).toBeUndefined();
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("relative directories of PATH are not searched", () => {
  expect(searchPath({ PATH: "/a::.:b:/c" })).toEqual(["/a", "/c"]);
});

test("a user is found by uid or name, the first entry wins, broken lines do not matter", () => {
  const text = "broken\n:x:5:5::/e:/e\nann:x:1000:1000::/home/ann:/bin/sh\nalias:x:1000:1000::/tmp:/bin/sh";
  expect(findUser(text, 1000)).toEqual({
    name: "ann",
    uid: 1000,
    gid: 1000,
    fullName: "",
    home: "/home/ann",
  });
  expect(findUser(text, "alias")?.home).toBe("/tmp");
  expect(findUser(text, 100)).toBeUndefined();
  expect(lookupUser(0)).toMatchObject({ name: "root", uid: 0 });
});
