/**
 * Writes docs/commands.md: every command and flag of podman and docker (docs/names.json has their names) and
 * what kelp makes of it, from the command table.
 *
 *     bun scripts/gen-reference.ts [--check]
 *
 * A name that kelp neither has nor refuses is an error: there is no third way.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OptionTable } from "../src/cli/command.ts";
import { COMMANDS } from "../src/cli/commands/index.ts";
import { ROOT_OPTIONS } from "../src/cli/globals.ts";
import { notOurs } from "../src/cli/not-ours.ts";
import { refusals } from "./lib/refusals.ts";

const ROOT = join(import.meta.dirname, "..");
const TARGET = join(ROOT, "docs", "commands.md");

interface Names {
  readonly version: string;
  /** By command, `flag` or `flag -x`. */
  readonly commands: Readonly<Record<string, readonly string[]>>;
}

const problems: string[] = [];

interface Options {
  readonly canonical: string;
  readonly table: OptionTable;
}

async function optionsOf(command: string): Promise<Options | undefined> {
  if (command === "") return { canonical: "", table: ROOT_OPTIONS };
  const entry = COMMANDS[command];
  if (entry === undefined) return undefined;
  const { paths, options } = (await entry.load()).default;
  return { canonical: paths[0]?.join(" ") ?? "", table: { ...ROOT_OPTIONS, ...options } };
}

function hasFlag(table: OptionTable, name: string): boolean {
  return table[name] !== undefined || Object.values(table).some(({ aliases }) => aliases?.includes(name));
}

/** One row: the command, what it is in kelp, its flags that are refused. */
async function row(tool: string, command: string, flags: readonly string[]): Promise<string> {
  const found = await optionsOf(command);
  const shown = `\`${[tool, command].join(" ").trim()}\``;
  if (found === undefined) {
    const refused = notOurs(command.split(" "));
    if (refused === undefined) problems.push(`${tool} ${command} is neither there nor refused`);
    return `| ${shown} | no | ${cell(refused?.why ?? "")} |`;
  }
  const reasons = refusals(found.table, found.canonical);
  const names = flags.map((flag) => flag.split(" ")[0] as string);
  for (const name of names)
    if (!hasFlag(found.table, name) && !reasons.has(name))
      problems.push(`${tool} ${command} --${name} is neither there nor refused`);
  const refused = names.filter((name) => reasons.has(name));
  const count = `${names.length - refused.length} of ${names.length}`;
  return `| ${shown} | ${names.length === 0 ? "yes" : count} | ${cell(byReason(refused, reasons))} |`;
}

/** `--a, --b: reason; --c: reason`. */
function byReason(names: readonly string[], reasons: ReadonlyMap<string, string>): string {
  const groups = Map.groupBy(names, (name) => reasons.get(name) as string);
  return [...groups]
    .map(([why, flags]) => `${flags.map((flag) => `\`--${flag}\``).join(", ")}: ${why}`)
    .join("; ");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

async function section(tool: string, { version, commands }: Names): Promise<string> {
  const rows = await Promise.all(Object.entries(commands).map(([name, flags]) => row(tool, name, flags)));
  return `## ${tool}\n\nNames of ${version}. The second column: how many of its flags kelp has, or no.\n
| command | flags | refused, and why |\n|---|---|---|\n${rows.join("\n")}\n`;
}

/** What neither of them has. */
function own(names: Readonly<Record<string, Names>>): string {
  const known = new Set(Object.values(names).flatMap(({ commands }) => Object.keys(commands)));
  const ours = Object.entries(COMMANDS).filter(([name, { hidden }]) => hidden !== true && !known.has(name));
  return `## kelp's own\n\n${ours.map(([name, { summary }]) => `- \`kelp ${name}\`: ${summary}`).join("\n")}\n`;
}

const names: Readonly<Record<string, Names>> = JSON.parse(
  readFileSync(join(ROOT, "docs", "names.json"), "utf8"),
);
const parts = await Promise.all(Object.entries(names).map(([tool, list]) => section(tool, list)));
const text = `# Commands and flags of podman and docker

Made by scripts/gen-reference.ts from the command table; not edited by hand. Every command and flag is there, or refused by
name with one line that says why.

${[...parts, own(names)].join("\n")}`;
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
if (!process.argv.includes("--check")) writeFileSync(TARGET, text);
else if (readFileSync(TARGET, "utf8") !== text) {
  console.error("docs/commands.md is out of date: run npm run generate");
  process.exitCode = 1;
}
