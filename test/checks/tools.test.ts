/** Format, lint (with the size limits of biome.json) and types, as tests like any other. */
import { expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./sources.ts";

function run(...command: string[]): { code: number; output: string } {
  const result = Bun.spawnSync(command, { cwd: ROOT, stderr: "pipe" });
  return { code: result.exitCode, output: `${result.stdout}${result.stderr}` };
}

function expectSuccess(...command: string[]): void {
  const { code, output } = run(...command);
  if (code !== 0) throw new Error(`${command.slice(-3).join(" ")} exited with ${code}\n${output}`);
  expect(code).toBe(0);
}

const bin = (name: string) => join(ROOT, "node_modules", ".bin", name);

test("biome finds nothing: format, lint, sizes", () => {
  expectSuccess(bin("biome"), "check", "--max-diagnostics=50", ".");
}, 60_000);

test("the types hold", () => {
  expectSuccess(bin("tsc"), "--noEmit");
}, 120_000);

test.skipIf(!existsSync(join(ROOT, "scripts", "gen-plan-ops.ts")))("native/plan_ops.h is fresh", () => {
  expectSuccess(process.execPath, "scripts/gen-plan-ops.ts", "--check");
});

test.skipIf(Bun.which("mandoc") === null)("mandoc finds nothing in the man pages", () => {
  // Lines whose letters are not all ASCII are longer in bytes than they look.
  const pages = readdirSync(join(ROOT, "man")).map((name) => join("man", name));
  const { output } = run("mandoc", "-T", "lint", "-W", "style", ...pages);
  const found = output.split("\n").filter((line) => line !== "" && !line.includes("longer than 80 bytes"));
  expect(found).toEqual([]);
});

test("every shell script parses", () => {
  const scripts = ["kelp", ...readdirSync(join(ROOT, ".ci")).map((name) => join(".ci", name))];
  for (const script of scripts) expectSuccess("bash", "-n", script);
});
