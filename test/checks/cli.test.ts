/** The command table is the only source: what is generated from it is fresh, and what it says is sound. */
import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { CommandDef, OptionDef } from "../../src/cli/command.ts";
import { COMMANDS } from "../../src/cli/commands/index.ts";
import { GLOBAL_OPTIONS } from "../../src/cli/globals.ts";
import { GROUPS } from "../../src/cli/groups.ts";

const ROOT = join(import.meta.dirname, "..", "..");

for (const script of ["gen-commands.ts", "gen-man.ts", "gen-reference.ts"]) {
  test(`what scripts/${script} makes is up to date`, () => {
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, "scripts", script), "--check"], {
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  }, 60_000);
}

function optionProblems(definition: CommandDef): string[] {
  const problems: string[] = [];
  const shorts = new Set<string>();
  for (const [name, option] of Object.entries<OptionDef>(definition.options)) {
    if (/[.\n]$/.test(option.text) || option.text === "") problems.push(`--${name}: text ${option.text}`);
    if (!/^[a-z0-9][a-z0-9-]*$/.test(name)) problems.push(`--${name}: not a flag's name`);
    if (option.short === undefined) continue;
    if (shorts.has(option.short)) problems.push(`-${option.short} is declared twice`);
    shorts.add(option.short);
  }
  return problems;
}

/** podman's own test of its help demands the same of every command. */
function usageProblems(definition: CommandDef): string[] {
  const { usage, options, args } = definition;
  const shown = Object.values<OptionDef>(options).filter(
    (option) => option.hidden !== true && option.unsupported === undefined,
  );
  const problems: string[] = [];
  if (usage.includes("[options]") !== shown.length > 0) problems.push("usage and options disagree");
  const words = usage.replace(/^\[options\] ?/, "").replaceAll(/\[[A-Z]+:\](?=[A-Z])/g, "");
  if (words !== "[command]" && /[a-z]/.test(words)) problems.push(`arguments are upper case: ${usage}`);
  if (/\[.*\] [A-Z]/.test(words)) problems.push(`optional arguments come last: ${usage}`);
  if (args.min > 0 !== /^[A-Z]/.test(words)) problems.push(`min ${args.min} but usage ${usage}`);
  if (args.max === 0 && words !== "") problems.push("no arguments allowed but usage has some");
  if (args.max === undefined && words !== "[command]" && !words.includes("...")) {
    problems.push(`any number of arguments but usage ${usage}`);
  }
  return problems;
}

describe("commands", () => {
  for (const [key, entry] of Object.entries(COMMANDS)) {
    test(key, async () => {
      const { default: definition } = await entry.load();
      expect(definition.paths.map((path) => path.join(" "))).toContain(key);
      const words = key.split(" ");
      expect(words.length).toBeLessThanOrEqual(2);
      if (words.length === 2) expect(Object.keys(GROUPS)).toContain(words[0] as string);
      expect(definition.summary).toMatch(/^[A-Z[].*[^.]$/);
      expect([...optionProblems(definition), ...usageProblems(definition)]).toEqual([]);
    });
  }
});

test("global flags have no letter that commands often want", () => {
  const letters = Object.values<OptionDef>(GLOBAL_OPTIONS).flatMap((option) => option.short ?? []);
  expect(letters).toEqual(["D"]);
});
