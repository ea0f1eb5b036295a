/** Finds the command that a command line names. */
import { type FlagUse, normaliseArgv } from "./argv.ts";
import { COMMANDS, type CommandEntry } from "./commands/index.ts";
import { FlagError } from "./flag-error.ts";
import { GLOBAL_OPTIONS, ROOT_OPTIONS } from "./globals.ts";
import { GROUPS } from "./groups.ts";
import { spokenCommand } from "./program.ts";

export interface Found {
  /** Words of the command as typed; empty at the root. */
  readonly path: readonly string[];
  /** Absent when the words name the root or a group only. */
  readonly entry?: CommandEntry;
  readonly globals: readonly FlagUse[];
  /** What follows the path, untouched. */
  readonly rest: readonly string[];
  readonly help: boolean;
  readonly version: boolean;
}

/** Reads global flags and path words from the left until a command is complete. */
export function findCommand(argv: readonly string[]): Found {
  const globals: FlagUse[] = [];
  const path: string[] = [];
  let rest = argv;
  for (;;) {
    const atRoot = path.length === 0;
    const read = readFlags(rest, atRoot, path);
    globals.push(...read.flags.filter((flag) => flag.name !== "version"));
    const version = read.flags.some((flag) => flag.name === "version" && flag.value === "true");
    const word = read.args[0];
    const key = [...path, word].join(" ");
    const found = { path, globals, rest: read.args, help: read.help, version };
    if (read.help || version || word === undefined) return found;
    const entry = COMMANDS[key];
    if (entry !== undefined) return { ...found, path: [...path, word], entry, rest: read.args.slice(1) };
    if (!atRoot || GROUPS[word] === undefined) return found;
    path.push(word);
    rest = read.args.slice(1);
  }
}

function readFlags(argv: readonly string[], atRoot: boolean, path: readonly string[]) {
  try {
    return normaliseArgv(argv, atRoot ? ROOT_OPTIONS : GLOBAL_OPTIONS, "after-first");
  } catch (error) {
    if (error instanceof FlagError) error.command = spokenCommand(path);
    throw error;
  }
}
