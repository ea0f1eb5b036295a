/** The wrapper ./kelp, with a stand-in for the built executable. */
import { afterAll, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../support/environment.ts";

const scratch = mkdtempSync(join(tmpdir(), "kelp-wrapper-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function checkout(name: string, built: boolean): string {
  const directory = join(scratch, name);
  mkdirSync(join(directory, "dist"), { recursive: true });
  copyFileSync(join(ROOT, "kelp"), join(directory, "kelp"));
  chmodSync(join(directory, "kelp"), 0o755);
  const program = '#!/bin/sh\nfor word; do echo "<$word>"; done\nexit 7\n';
  if (built) writeFileSync(join(directory, "dist", "kelp"), program, { mode: 0o755 });
  return join(directory, "kelp");
}

function run(command: string[], options: { cwd?: string; path?: string } = {}) {
  const path = options.path ?? process.env.PATH ?? "";
  const { exitCode, stdout, stderr } = Bun.spawnSync(command, {
    cwd: options.cwd ?? "/",
    env: { PATH: path },
  });
  return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** A directory with only these programs, as PATH. */
function only(name: string, programs: string[]): string {
  const directory = join(scratch, name);
  mkdirSync(directory);
  for (const program of programs) symlinkSync(Bun.which(program) ?? "", join(directory, program));
  return directory;
}

test("arguments and the exit status go through untouched", () => {
  const kelp = checkout("plain", true);
  expect(run([kelp, "a b", "", "--x"])).toEqual({ code: 7, stdout: "<a b>\n<>\n<--x>\n", stderr: "" });
});

test("it works from any directory, through symlinks, and without a slash in its name", () => {
  const kelp = checkout("links", true);
  symlinkSync("links/kelp", join(scratch, "relative"));
  symlinkSync(join(scratch, "relative"), join(scratch, "absolute"));
  expect(run([join(scratch, "absolute"), "1"]).stdout).toBe("<1>\n");
  expect(run(["sh", "kelp", "2"], { cwd: join(kelp, "..") }).stdout).toBe("<2>\n");
});

test("once built it needs no other program", () => {
  const kelp = checkout("alone", true);
  expect(run(["/bin/sh", kelp, "x"], { path: "/nowhere" }).stdout).toBe("<x>\n");
});

test("a missing tool is named in one line, with the command that installs it", () => {
  const kelp = checkout("tools", false);
  const expected = (words: string) =>
    new RegExp(`^Error: cannot build kelp: ${words} is missing: install it with: .+\n$`);
  const none = run(["/bin/sh", kelp], { path: "/nowhere" });
  expect(none).toEqual({
    code: 125,
    stdout: "",
    stderr: expect.stringMatching(expected("Node\\.js \\(node\\)")),
  });
});

test.skipIf(Bun.which("node") === null || Bun.which("npm") === null)("a missing compiler is named", () => {
  const kelp = checkout("compiler", false);
  const { code, stderr } = run(["/bin/sh", kelp], { path: only("no-cc", ["node", "npm"]) });
  expect({ code, stderr }).toEqual({
    code: 125,
    stderr: expect.stringMatching(
      /^Error: cannot build kelp: a C compiler \(cc\) is missing: install it with: .*\n$/,
    ),
  });
});
