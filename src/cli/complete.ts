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

const DIRECTIVES = { Default: 0, NoFileComp: 4, NoSpace: 6, FilterDirs: 16 } as const;
type Directive = keyof typeof DIRECTIVES;

interface Answer {
  readonly suggestions: readonly (readonly [string, string])[];
  readonly directive: Directive;
}

const NOTHING: Answer = { suggestions: [], directive: "NoFileComp" };

/** @param argv `__complete WORD… PARTIAL`, or `__completeNoDesc …` */
export async function complete(argv: readonly string[], io: Io): Promise<number> {
  const partial = argv.length > 1 ? (argv.at(-1) as string) : "";
  const { suggestions, directive } = await answer(argv.slice(1, -1), partial);
  const described = argv[0] === "__complete";
  const lines = suggestions.map(([word, text]) => (described && text !== "" ? `${word}\t${text}` : word));
  io.out([...lines, `:${DIRECTIVES[directive]}`, ""].join("\n"));
  io.err(`Completion ended with directive: ShellCompDirective${directive}\n`);
  return 0;
}

async function answer(words: readonly string[], partial: string): Promise<Answer> {
  try {
    const found = findCommand(words);
    if (found.entry !== undefined) {
      const { default: definition } = await found.entry.load();
      return await insideCommand(definition, found.rest, partial, found.globals);
    }
    if (partial.startsWith("-")) return flagAnswer(ROOT_OPTIONS, partial, found.globals);
    const group = found.path[0];
    return found.rest.length > 0 ? NOTHING : matching(subcommands(group), partial);
  } catch (error) {
    return error instanceof FlagError ? missingValue(error, ROOT_OPTIONS, partial, []) : NOTHING;
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
    if (partial.startsWith("-") && !closed) return await flagAnswer(table, partial, globals);
    return await valueAnswer(argumentKind(definition, args.length), partial, globals);
  } catch (error) {
    return error instanceof FlagError ? missingValue(error, table, partial, globals) : NOTHING;
  }
}

function argumentKind({ args }: CommandDef, position: number): Completes {
  if (args.max !== undefined && position >= args.max) return "none";
  const { completes } = args;
  if (completes === undefined) return "file";
  if (typeof completes !== "object" || !("each" in completes)) return completes;
  return completes.each[Math.min(position, completes.each.length - 1)] ?? "none";
}

function missingValue(error: FlagError, table: OptionTable, partial: string, globals: readonly FlagUse[]) {
  const option = error.needsValue === undefined ? undefined : table[error.needsValue];
  return option === undefined ? NOTHING : valueAnswer(option.completes ?? "file", partial, globals);
}

/** `--fl` completes names, `--flag=va` values. */
async function flagAnswer(table: OptionTable, partial: string, globals: readonly FlagUse[]): Promise<Answer> {
  const equals = partial.indexOf("=");
  if (equals > 0) {
    const option = table[partial.slice(2, equals)];
    if (option === undefined) return NOTHING;
    const values = await valueAnswer(option.completes ?? "file", partial.slice(equals + 1), globals);
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

async function valueAnswer(kind: Completes, partial: string, globals: readonly FlagUse[]): Promise<Answer> {
  if (typeof kind !== "string")
    return matching(
      kind.map((word) => [word, ""] as const),
      partial,
    );
  if (kind === "none") return NOTHING;
  if (kind === "file" || kind === "command") return { suggestions: [], directive: "Default" };
  if (kind === "dir") return { suggestions: [], directive: "FilterDirs" };
  const { liveNames } = await import("./complete-names.ts");
  return offered(await liveNames(kind, partial, readGlobals(globals)));
}

function matching(rows: readonly (readonly [string, string])[], partial: string): Answer {
  return offered(rows.filter(([word]) => word.startsWith(partial)));
}

/** Words that are not whole yet (`label=`, `net.`) are to be typed on. */
function offered(suggestions: Answer["suggestions"]): Answer {
  const open = suggestions.length > 0 && suggestions.every(([word]) => /[.=]$/.test(word));
  return { suggestions, directive: open ? "NoSpace" : "NoFileComp" };
}
