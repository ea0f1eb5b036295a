/** Help as podman's users and scripts read it. Everything comes from the command table. */
import { closest, UsageError } from "../base/index.ts";
import type { CommandDef, OptionDef, OptionTable } from "./command.ts";
import { COMMANDS, type CommandEntry } from "./commands/index.ts";
import { ROOT_OPTIONS } from "./globals.ts";
import { GROUPS, ROOT_SUMMARY } from "./groups.ts";
import { findCommand } from "./lookup.ts";
import { notOurs } from "./not-ours.ts";
import { spokenCommand } from "./program.ts";
import { TOPICS } from "./topics/index.ts";
import { topicText } from "./topics/text.ts";

/** What configuration files make the default of options. */
type Configured = Readonly<Record<string, unknown>>;

/** The settings some option of the command takes its default from; help is shown all the same if they cannot be read. */
export async function configuredDefaults({ options }: CommandDef): Promise<Configured> {
  if (Object.values(options).every(({ setting }) => setting === undefined)) return {};
  try {
    const { openContext } = await import("../state/index.ts");
    return { ...(await openContext()).settings };
  } catch {
    return {};
  }
}

/** `kelp NAME --help`. */
export function commandHelp(
  definition: CommandDef,
  path: readonly string[],
  settings: Configured = {},
): string {
  const name = spokenCommand(path);
  const blocks = [
    definition.summary,
    `Description:\n${indented(definition.description ?? definition.summary)}`,
  ];
  blocks.push(`Usage:\n  ${`${name} ${definition.usage}`.trimEnd()}`);
  if (definition.examples !== undefined && definition.examples.length > 0) {
    blocks.push(
      `Examples:\n${definition.examples.map(([line, what]) => `  ${line.replace(/^kelp(?= )/, spokenCommand([]))}\n      ${what}`).join("\n")}`,
    );
  }
  const options = optionLines(definition.options, settings);
  if (options !== "") blocks.push(`Options:\n${options}`);
  return `${blocks.join("\n\n")}\n`;
}

function indented(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line.trim()}`.trimEnd())
    .join("\n");
}

/** `kelp --help`, `kelp container --help`. */
export function groupHelp(path: readonly string[]): string {
  const group = path[0];
  const summary = group === undefined ? ROOT_SUMMARY : (GROUPS[group] as string);
  const name = spokenCommand(path);
  const blocks = [
    summary,
    `Usage:\n  ${name}${group === undefined ? " [options]" : ""} [command]`,
    `Available Commands:\n${columns(subcommands(group))}`,
  ];
  if (group === undefined) {
    const topics = Object.entries(TOPICS).map(([topic, { summary: about }]) => [topic, about] as const);
    blocks.push(
      `Options:\n${optionLines(ROOT_OPTIONS)}`,
      `Topics, to be read with '${name} help TOPIC':\n${columns(topics)}`,
    );
  }
  return `${blocks.join("\n\n")}\n`;
}

/** `kelp help WORDS`: the root, a group, a command or a topic. */
export async function helpFor(words: readonly string[]): Promise<string> {
  const { entry, path, rest } = findCommand(words);
  if (entry !== undefined) return commandHelp((await entry.load()).default, path);
  const topic = path.length === 0 ? TOPICS[rest[0] ?? ""] : undefined;
  if (topic !== undefined) return topicText(await topic.load());
  if (rest[0] !== undefined) throw unknownCommand(path, rest[0]);
  return groupHelp(path);
}

/** Name and summary of everything directly below the root or a group, sorted. */
export function subcommands(group: string | undefined): (readonly [string, string])[] {
  const prefix = group === undefined ? "" : `${group} `;
  const rows: (readonly [string, string])[] = [];
  for (const key in COMMANDS) {
    const name = key.slice(prefix.length);
    const entry = COMMANDS[key] as CommandEntry;
    if (
      entry.hidden === true ||
      entry.aliases?.includes(key) === true ||
      !key.startsWith(prefix) ||
      name.includes(" ")
    )
      continue;
    rows.push([name, entry.summary]);
  }
  if (group === undefined) {
    for (const noun in GROUPS) if (hasCommands(noun)) rows.push([noun, GROUPS[noun] as string]);
  }
  return rows.sort(([a], [b]) => (a < b ? -1 : 1));
}

function hasCommands(noun: string): boolean {
  return Object.keys(COMMANDS).some((key) => key.startsWith(`${noun} `));
}

/** The error for a word that is no command, with what may have been meant. */
export function unknownCommand(path: readonly string[], word: string): UsageError {
  const name = spokenCommand(path);
  const refused = notOurs([...path, word]);
  if (refused !== undefined)
    return new UsageError(
      "not-supported",
      `${spokenCommand([refused.name])} is not supported: ${refused.why}`,
    );
  const near = closest(
    word,
    subcommands(path[0]).map(([known]) => known),
  );
  const meant = near === undefined ? "" : `did you mean '${name} ${near}'? `;
  return new UsageError("unknown-command", `unrecognized command \`${name} ${word}\``, {
    hint: `${meant}'${name} --help' lists the commands`,
  });
}

function optionLines(table: OptionTable, settings: Configured = {}): string {
  const rows: (readonly [string, string])[] = [];
  for (const name of Object.keys(table).sort()) {
    const option = table[name] as OptionDef;
    if (option.hidden === true || option.unsupported !== undefined) continue;
    rows.push([spelling(name, option), option.text + defaultNote(option, settings)]);
  }
  return columns(rows);
}

function spelling(name: string, option: OptionDef): string {
  const short = option.short === undefined ? "    " : `-${option.short}, `;
  const value = option.kind === "boolean" ? "" : ` ${option.value ?? valueWord(option)}`;
  return `${short}--${name}${value}`;
}

/** The word for a value where the table gives none. */
export function valueWord(option: OptionDef): string {
  if (option.kind === "list") return "stringArray";
  if (option.kind === "map") return "stringToString";
  return option.kind;
}

function defaultNote({ kind, setting, default: builtIn }: OptionDef, settings: Configured): string {
  const value = (setting === undefined ? undefined : settings[setting]) ?? builtIn;
  if (value === undefined || value === "" || value === false || value === 0) return "";
  if (Array.isArray(value) && value.length === 0) return "";
  return kind === "string" ? ` (default ${JSON.stringify(value)})` : ` (default ${value})`;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd()).join("\n");
}
