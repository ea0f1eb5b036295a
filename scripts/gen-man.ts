/**
 * Writes man/ (one page a command, kelp(1), the topics) and completions/ from the command table.
 *
 *     bun scripts/gen-man.ts [--check]
 *
 * Prose that belongs to no command is in src/cli/topics; topics with a page of their own become one.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandDef, OptionDef, OptionTable } from "../src/cli/command.ts";
import { COMMANDS } from "../src/cli/commands/index.ts";
import { completionScript, SHELLS } from "../src/cli/completion-scripts.ts";
import { EXIT_STATUS } from "../src/cli/exit.ts";
import { ROOT_OPTIONS } from "../src/cli/globals.ts";
import { GROUPS, ROOT_SUMMARY } from "../src/cli/groups.ts";
import { subcommands, valueWord } from "../src/cli/help.ts";
import { TOPICS } from "../src/cli/topics/index.ts";
import { refusals } from "./lib/refusals.ts";
import { fold, head, roff, topicPage } from "./lib/roff.ts";

const ROOT = join(import.meta.dirname, "..");

function optionText(name: string, option: OptionDef): string {
  const value = option.kind === "boolean" ? "" : ` \\fI${roff(option.value ?? valueWord(option))}\\fP`;
  const short = option.short === undefined ? "" : `\\fB\\-${option.short}\\fP, `;
  const aliases = (option.aliases ?? []).map((alias) => `, \\fB\\-\\-${roff(alias)}\\fP`).join("");
  return `.TP\n${short}\\fB\\-\\-${roff(name)}\\fP${aliases}${value}\n${fold(`${option.text}.`)}${defaultText(option)}\n`;
}

function defaultText({ default: value }: OptionDef): string {
  if (value === undefined || value === "" || value === false || Array.isArray(value)) return "";
  return `\nThe default is ${roff(String(value))}.`;
}

/** @param command the first spelling, for the flags that are not in the table at all */
function options(title: string, table: OptionTable, command: string): string {
  const shown = Object.keys(table)
    .sort()
    .filter((name) => table[name]?.hidden !== true);
  const works = shown.filter((name) => table[name]?.unsupported === undefined);
  const refused = refusals(table, command);
  let text = works.length === 0 ? "" : `.SH ${title}\n`;
  for (const name of works) text += optionText(name, table[name] as OptionDef);
  if (refused.size === 0) return text;
  text += `.SH "NOT SUPPORTED"\nThese are known and refused:\n`;
  for (const [name, why] of [...refused].sort())
    text += `.TP\n\\fB\\-\\-${roff(name)}\\fP\n${fold(`${why}.`)}\n`;
  return text;
}

function commandPage(path: readonly string[], definition: CommandDef): string {
  const page = ["kelp", ...path].join("-");
  const spellings = definition.paths.map(
    (words) => `\\fBkelp ${roff(words.join(" "))}\\fP ${roff(definition.usage)}`,
  );
  let text = head(page, definition.summary);
  text += `.SH SYNOPSIS\n${spellings.map((line) => line.trimEnd()).join("\n.br\n")}\n`;
  text += `.SH DESCRIPTION\n${fold(definition.description ?? `${definition.summary}.`)}\n`;
  text += options("OPTIONS", definition.options, path.join(" "));
  if (definition.examples !== undefined) {
    text += ".SH EXAMPLES\n";
    for (const [line, what] of definition.examples)
      text += `.TP\n\\fB${roff(line)}\\fP\n${fold(`${what}.`)}\n`;
  }
  return `${text}.SH "SEE ALSO"\n\\fBkelp\\fP(1)\n`;
}

function rootPage(seeAlso: readonly string[]): string {
  let text = `${head("kelp", ROOT_SUMMARY)}.SH SYNOPSIS\n\\fBkelp\\fP [\\fIoptions\\fP] \\fIcommand\\fP …\n`;
  text += `.SH DESCRIPTION
kelp runs containers without root rights and without a daemon.
Its commands, flags and output are those of podman.
What belongs to no single command is in the topics of \\fBkelp help\\fP.
.SH COMMANDS
`;
  for (const [name, summary] of subcommands(undefined)) {
    text += `.TP\n\\fBkelp ${roff(name)}\\fP\n${fold(`${summary}.`)}\n`;
    if (GROUPS[name] !== undefined) {
      const inside = subcommands(name).map(([verb]) => verb);
      text += `${fold(`Its commands: ${inside.join(", ")}.`)}\n`;
    }
  }
  text += options('"GLOBAL OPTIONS"', ROOT_OPTIONS, "");
  text += '.SH "EXIT STATUS"\n';
  for (const [status, meaning] of EXIT_STATUS) text += `.TP\n${roff(status)}\n${fold(`${meaning}.`)}\n`;
  return `${text}.SH "SEE ALSO"\n${seeAlso.join(",\n")}\n`;
}

async function pages(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const seeAlso: string[] = [];
  for (const entry of Object.values(TOPICS)) {
    const topic = await entry.load();
    if (topic.page === undefined) continue;
    files.set(`man/${topic.page.name}.${topic.page.section}`, topicPage(topic));
    seeAlso.push(`\\fB${roff(topic.page.name)}\\fP(${topic.page.section})`);
  }
  files.set("man/kelp.1", rootPage(seeAlso.sort()));
  const done = new Set<object>();
  for (const entry of Object.values(COMMANDS)) {
    if (entry.hidden === true || done.has(entry)) continue;
    done.add(entry);
    const { default: definition } = await entry.load();
    const path = definition.paths[0] as readonly string[];
    files.set(`man/${["kelp", ...path].join("-")}.1`, commandPage(path, definition));
  }
  for (const shell of SHELLS) files.set(`completions/kelp.${shell}`, completionScript(shell));
  return files;
}

/** Pages in man/ that no command makes any more. */
function stale(files: ReadonlyMap<string, string>): string[] {
  const present = existsSync(join(ROOT, "man")) ? readdirSync(join(ROOT, "man")) : [];
  return present
    .filter((name) => /^kelp.*\.[157]$/.test(name))
    .map((name) => `man/${name}`)
    .filter((path) => !files.has(path));
}

function current(path: string): string | undefined {
  const file = join(ROOT, path);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

const files = await pages();
if (process.argv.includes("--check")) {
  const wrong = [...files].filter(([path, text]) => current(path) !== text).map(([path]) => path);
  for (const path of [...wrong, ...stale(files)])
    console.error(`${path} is out of date: run bun scripts/gen-man.ts`);
  if (wrong.length + stale(files).length > 0) process.exitCode = 1;
} else {
  for (const folder of ["man", "completions"]) mkdirSync(join(ROOT, folder), { recursive: true });
  for (const path of stale(files)) rmSync(join(ROOT, path));
  for (const [path, text] of files) writeFileSync(join(ROOT, path), text);
}
