import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EnvInput, resolveEnv } from "../../../src/container/env.ts";

const scratch = mkdtempSync(join(tmpdir(), "kelp-env-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const none: EnvInput = {
  imageEnv: [],
  defaults: [],
  flags: [],
  files: [],
  merge: [],
  unset: [],
  unsetAll: false,
  host: false,
  httpProxy: false,
  tty: false,
  caller: {},
};
const env = (input: Partial<EnvInput>) =>
  Object.fromEntries(
    resolveEnv({ ...none, ...input }).map((word) => {
      const equals = word.indexOf("=");
      return [word.slice(0, equals), word.slice(equals + 1)];
    }),
  );

test("an image never gets at the caller's environment", () => {
  const found = env({
    imageEnv: ["SECRET_X", "*", "PA*", "=", "A=b=c", "SECRET*=x"],
    caller: { SECRET_X: "token", PAT: "t" },
  });
  expect(found.A).toBe("b=c");
  expect(JSON.stringify(found)).not.toContain("token");
  expect(found).not.toHaveProperty("SECRET_X");
  expect(found).not.toHaveProperty("PAT");
});

test("a flag takes the caller's value by name and by prefix, and nothing for a missing one", () => {
  const found = env({
    flags: ["HOST_A", "PRE*", "MISSING"],
    caller: { HOST_A: "1", PRE_B: "2", PRE_C: "3", OTHER: "4" },
  });
  expect(found).toMatchObject({ HOST_A: "1", PRE_B: "2", PRE_C: "3" });
  expect(found).not.toHaveProperty("OTHER");
  expect(found).not.toHaveProperty("MISSING");
});

test("flags win over files, files over the host, the host over the image, the image over defaults", () => {
  const file = join(scratch, "file");
  writeFileSync(file, "# comment\n\n  B=file\nC=file\nD=a # not a comment\n");
  const found = env({
    defaults: ["A=default", "E=default"],
    imageEnv: ["A=image", "B=image"],
    files: [file],
    flags: ["C=flag"],
    host: true,
    caller: { A: "host", B: "host", C: "host" },
  });
  expect(found).toMatchObject({ A: "host", B: "file", C: "flag", D: "a # not a comment", E: "default" });
});

test("--env-merge sees the image's variables, --unsetenv and --unsetenv-all take defaults away", () => {
  expect(env({ imageEnv: ["hello=world"], merge: ["hello=$" + "{hello}-some"] }).hello).toBe("world-some");
  expect(env({ tty: true, unset: ["TERM"] })).not.toHaveProperty("TERM");
  expect(env({ imageEnv: ["X=1"], unsetAll: true, flags: ["TERM=abc"] })).toEqual({ TERM: "abc" });
});

test("an empty name is refused", () => {
  expect(() => env({ flags: ["=x"] })).toThrow('invalid variable: "=x"');
});
