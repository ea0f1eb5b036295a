import { afterEach, beforeEach, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readUserFiles } from "../../../src/runtime/index.ts";
import type { RootfsSource } from "../../../src/state/index.ts";

let root: string;
let rootfs: RootfsSource;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kelp-user-files-"));
  for (const name of ["upper", "layers/2/etc", "layers/1/etc", "canary"])
    mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, "canary/passwd"), "secret:x:0:0::/:\n");
  writeFileSync(join(root, "layers/1/etc/passwd"), "low:x:1:1::/:\n");
  rootfs = {
    kind: "overlay",
    layersDir: join(root, "layers"),
    lower: ["2", "1"],
    upper: join(root, "upper"),
    work: "",
    merged: "",
    options: [],
  };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const place = (path: string) => join(root, path);
const passwd = () => readUserFiles(rootfs).passwd;

test("the topmost layer that has the file decides", () => {
  expect(passwd()).toContain("low");
  writeFileSync(place("layers/2/etc/passwd"), "middle:x:2:2::/:\n");
  expect(passwd()).toContain("middle");
  mkdirSync(place("upper/etc"));
  writeFileSync(place("upper/etc/passwd"), "top:x:3:3::/:\n");
  expect(passwd()).toContain("top");
});

test("a missing group file is empty", () => {
  expect(readUserFiles(rootfs).group).toBe("");
});

test("absolute and relative links lead to places inside the root only", () => {
  for (const target of [place("canary/passwd"), `${"../".repeat(20)}${place("canary/passwd")}`]) {
    rmSync(place("layers/2/etc/passwd"), { force: true });
    symlinkSync(target, place("layers/2/etc/passwd"));
    expect(passwd()).toBe("");
  }
});

test("a linked /etc does not lead out", () => {
  rmSync(place("layers/2/etc"), { recursive: true });
  symlinkSync(place("canary"), place("layers/2/etc"));
  expect(passwd()).toBe("");
});

test("an honest link is followed across layers", () => {
  mkdirSync(place("layers/1/usr/lib"), { recursive: true });
  writeFileSync(place("layers/1/usr/lib/passwd"), "usr:x:4:4::/:\n");
  symlinkSync("../usr/lib/passwd", place("layers/2/etc/passwd"));
  expect(passwd()).toContain("usr");
});

test("links in a circle end", () => {
  symlinkSync("passwd", place("layers/2/etc/passwd"));
  expect(passwd()).toBe("");
});

test("a file in place of /etc hides the layers below", () => {
  rmSync(place("layers/2/etc"), { recursive: true });
  writeFileSync(place("layers/2/etc"), "");
  expect(passwd()).toBe("");
});

test("a FIFO or a directory is no file of users and does not hang", () => {
  expect(spawnSync("mkfifo", [place("layers/2/etc/passwd")]).status).toBe(0);
  expect(passwd()).toBe("");
  rmSync(place("layers/2/etc/passwd"));
  mkdirSync(place("layers/2/etc/passwd"));
  expect(passwd()).toBe("");
});

test("a file larger than any real one is refused, whatever its holes", () => {
  writeFileSync(place("layers/2/etc/passwd"), "");
  truncateSync(place("layers/2/etc/passwd"), 2 ** 31);
  expect(passwd).toThrow("larger than 1 MiB");
});
