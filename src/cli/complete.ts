/**
 * The role `__complete`: what could follow on a command line, for the shells' scripts. The answer is
 * cobra's, so that scripts made for podman's work too: one suggestion a line, `:DIRECTIVE` at the end.
 */
import { type FlagUse, normaliseArgv } from "./argv.ts";
import type { CommandDef, Completes, Io, OptionDef, OptionTable } from "./command.ts";
import { FlagError } from "./flag-error.ts";
import { GLOBAL_OPTIONS, ROOT_OPTIONS, readGlobals } from "./globals.ts";
import { subcommands } from "./help.ts";
import { findCommand } from "./lookup.ts";

/** Bits of the number at the end, by cobra's names. */
const DIRECTIVES = { NoSpace: 2, NoFileComp: 4, FilterDirs: 16 } as const;

export interface Answer {
  readonly suggestions: readonly (readonly [string, string])[];
  /** What the shell is to offer beside them. */
  readonly files?: "all" | "dirs" | undefined;
}

/** The word to be completed, and what stands before it. */
export interface Typed {
  readonly partial: string;
  /** Arguments of the command, without flags. */
  readonly args: readonly string[];
  readonly globals: readonly FlagUse[];
}

const NOTHING: Answer = { suggestions: [] };

/** @param argv `__complete WORD… PARTIAL`, or `__completeNoDesc …` */
export async function complete(argv: readonly string[], io: Io): Promise<number> {
  const partial = argv.length > 1 ? (argv.at(-1) as string) : "";
  const found = await answer(argv.slice(1, -1), partial);
  const described = argv[0] === "__complete";
  const lines = found.suggestions.map(([word, text]) =>
    described && text !== "" ? `${word}\t${text}` : word,
  );
  const names = directivesFor(found);
  const number = names.reduce((sum, name) => sum + DIRECTIVES[name], 0);
  io.out([...lines, `:${number}`, ""].join("\n"));
  const told = (names.length === 0 ? ["Default"] : names).map((name) => `ShellCompDirective${name}`);
  io.err(`Completion ended with directive: ${told.join(", ")}\n`);
  return 0;
}

/** A word that is not whole yet (`label=`, `net.`, `web:`, `/etc/`) is to be typed on. Several are not followed by a space anyway. */
function directivesFor({ suggestions, files }: Answer): (keyof typeof DIRECTIVES)[] {
  const [only] = suggestions;
  const open = suggestions.length === 1 && /[.=:/]$/.test((only as readonly [string, string])[0]);
  return [
    ...(open ? (["NoSpace"] as const) : []),
    ...(files === undefined ? (["NoFileComp"] as const) : []),
    ...(files === "dirs" ? (["FilterDirs"] as const) : []),
  ];
}

async function answer(words: readonly string[], partial: string): Promise<Answer> {
  try {
    const found = findCommand(words);
    if (found.entry !== undefined) {
      const { default: definition } = await found.entry.load();
      return await insideCommand(definition, found.rest, partial, found.globals);
    }
    if (partial.startsWith("-"))
      return flagAnswer(ROOT_OPTIONS, { partial, args: [], globals: found.globals });
    const group = found.path[0];
    return found.rest.length > 0 ? NOTHING : matching(subcommands(group), partial);
  } catch (error) {
    return error instanceof FlagError
      ? missingValue(error, ROOT_OPTIONS, { partial, args: [], globals: [] })
      : NOTHING;
  }
}

async function insideCommand(
  definition: CommandDef,
  rest: readonly string[],
  partial: string,
  globals: readonly FlagUse[],
): Promise<Answer> {
  const table: OptionTable = { ...GLOBAL_OPTIONS, ...definition.options };
  const end = definition.args.options ?? "anywhere";
  try {
    const { args } = normaliseArgv(rest, table, end);
    const closed = rest.includes("--") || (end === "after-first" && args.length > 0);
    const typed = { partial, args, globals };
    if (partial.startsWith("-") && !closed) return await flagAnswer(table, typed);
    return await valueAnswer(argumentKind(definition, args.length), typed);
  } catch (error) {
    return error instanceof FlagError ? missingValue(error, table, { partial, args: [], globals }) : NOTHING;
  }
}

function argumentKind({ args }: CommandDef, position: number): Completes {
  if (args.max !== undefined && position >= args.max) return "none";
  const { completes } = args;
  if (completes === undefined) return "file";
  if (typeof completes !== "object" || !("each" in completes)) return completes;
  return completes.each[Math.min(position, completes.each.length - 1)] ?? "none";
}

function missingValue(error: FlagError, table: OptionTable, typed: Typed) {
  const option = error.needsValue === undefined ? undefined : table[error.needsValue];
  return option === undefined ? NOTHING : valueAnswer(option.completes ?? "file", typed);
}

/** `--fl` completes names, `--flag=va` values. */
async function flagAnswer(table: OptionTable, typed: Typed): Promise<Answer> {
  const { partial } = typed;
  const equals = partial.indexOf("=");
  if (equals > 0) {
    const option = table[partial.slice(2, equals)];
    if (option === undefined) return NOTHING;
    const values = await valueAnswer(option.completes ?? "file", {
      ...typed,
      partial: partial.slice(equals + 1),
    });
    const lead = partial.slice(0, equals + 1);
    return { ...values, suggestions: values.suggestions.map(([word, text]) => [lead + word, text] as const) };
  }
  const names = Object.entries(table).filter(([, option]) => isOffered(option));
  const rows = names.map(([name, option]) => [`--${name}`, option.text] as const);
  const shorts = partial === "-" ? names.filter(([, option]) => option.short !== undefined) : [];
  return matching(
    [
      ...rows,
      ...shorts.map(([, option]) => [`-${option.short}`, option.text] as const),
      ["--help", "Show help"],
    ],
    partial,
  );
}

function isOffered(option: OptionDef): boolean {
  return option.hidden !== true && option.unsupported === undefined;
}

async function valueAnswer(kind: Completes, typed: Typed): Promise<Answer> {
  if (typeof kind !== "string")
    return matching(
      kind.map((word) => [word, ""] as const),
      typed.partial,
    );
  if (kind === "none") return NOTHING;
  if (kind === "file" || kind === "command") return { suggestions: [], files: "all" };
  if (kind === "dir") return { suggestions: [], files: "dirs" };
  if (isPlace(kind)) {
    const { places } = await import("./complete-paths.ts");
    return places(kind, typed, readGlobals(typed.globals));
  }
  const { liveNames } = await import("./complete-names.ts");
  return { suggestions: await liveNames(kind, typed.partial, readGlobals(typed.globals)) };
}

const PLACES = ["path-in-image", "path-in-container", "copy-place", "volume-source"] as const;
export type PlaceKind = (typeof PLACES)[number];

function isPlace(kind: Completes): kind is PlaceKind {
  return (PLACES as readonly unknown[]).includes(kind);
}

function matching(rows: readonly (readonly [string, string])[], partial: string): Answer {
  return { suggestions: rows.filter(([word]) => word.startsWith(partial)) };
}
