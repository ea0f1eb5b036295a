/**
 * Reads a command line by pflag's rules, driven by an option table: bundled shorts with a value at
 * the end (`-dp 80:80`), attached values (`-p80:80`, `-e=x`), `--flag=false`, values that look like
 * flags (`-m -1`), `--`, and options that end at the first argument (`after-first`).
 *
 * Pure: the answer is a list of (long name, text) pairs and the remaining arguments; values.ts makes
 * typed values of the texts.
 */
import { closest } from "../base/index.ts";
import type { OptionDef, OptionTable } from "./command.ts";
import { FlagError } from "./flag-error.ts";

export interface FlagUse {
  /** The key in the table. */
  readonly name: string;
  readonly value: string;
}

export interface Normalised {
  readonly flags: readonly FlagUse[];
  readonly args: readonly string[];
  /** --help or -h was given; what follows it was not looked at. */
  readonly help: boolean;
}

export type OptionsEnd = "anywhere" | "after-first";

interface Lookup {
  readonly long: ReadonlyMap<string, string>;
  readonly short: ReadonlyMap<string, string>;
  readonly table: OptionTable;
}

/**
 * Splits `argv` into flags and arguments.
 *
 * @throws {FlagError} in pflag's words, with the closest known flag as the hint.
 */
export function normaliseArgv(argv: readonly string[], table: OptionTable, end: OptionsEnd): Normalised {
  const lookup = buildLookup(table);
  const flags: FlagUse[] = [];
  const args: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] as string;
    if (word === "--") {
      args.push(...argv.slice(index + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      if (end === "after-first") {
        args.push(...argv.slice(index));
        break;
      }
      args.push(word);
      continue;
    }
    const next = argv[index + 1];
    const taken = word.startsWith("--") ? readLong(word, next, lookup) : readShorts(word, next, lookup);
    flags.push(...taken.flags);
    if (taken.help) return { flags, args, help: true };
    if (taken.tookNext) index++;
  }
  return { flags, args, help: false };
}

interface Taken {
  readonly flags: readonly FlagUse[];
  readonly tookNext: boolean;
  readonly help: boolean;
}

function readLong(word: string, next: string | undefined, lookup: Lookup): Taken {
  const body = word.slice(2);
  if (body.startsWith("-") || body.startsWith("=")) throw new FlagError(`bad flag syntax: ${word}`);
  const equals = body.indexOf("=");
  const spelled = equals < 0 ? body : body.slice(0, equals);
  const name = lookup.long.get(spelled);
  if (name === undefined) {
    if (spelled === "help") return { flags: [], tookNext: false, help: true };
    const near = closest(spelled, visibleNames(lookup));
    throw new FlagError(
      `unknown flag: --${spelled}`,
      near === undefined ? undefined : `did you mean --${near}?`,
      { unknown: `--${spelled}` },
    );
  }
  if (equals >= 0) return one(name, body.slice(equals + 1), false);
  const bare = bareValue(lookup.table[name] as OptionDef);
  if (bare !== undefined) return one(name, bare, false);
  if (next === undefined)
    throw new FlagError(`flag needs an argument: --${spelled}`, undefined, { needsValue: name });
  return one(name, next, true);
}

/** `-dp 80:80` and its kind: flags without a value, until one takes the rest of the word or the next word. */
function readShorts(word: string, next: string | undefined, lookup: Lookup): Taken {
  const flags: FlagUse[] = [];
  for (let rest = word.slice(1); rest !== ""; ) {
    const letter = String.fromCodePoint(rest.codePointAt(0) as number);
    const name = lookup.short.get(letter);
    if (name === undefined && letter === "h") return { flags, tookNext: false, help: true };
    if (name === undefined)
      throw new FlagError(`unknown shorthand flag: '${letter}' in -${rest}`, undefined, {
        unknown: `-${letter}`,
      });
    const after = rest.slice(letter.length);
    const bare = bareValue(lookup.table[name] as OptionDef);
    if (bare === undefined || /^=./s.test(after)) {
      flags.push({ name, value: shortValue(rest, letter, next, name) });
      return { flags, tookNext: after === "", help: false };
    }
    flags.push({ name, value: bare });
    rest = after;
  }
  return { flags, tookNext: false, help: false };
}

/** `-m=x` and `-mx` are both x; a lone `-m=` is `=`, as in pflag. */
function shortValue(rest: string, letter: string, next: string | undefined, name: string): string {
  const after = rest.slice(letter.length);
  if (after.length > 1 && after.startsWith("=")) return after.slice(1);
  const value = after === "" ? next : after;
  if (value === undefined)
    throw new FlagError(`flag needs an argument: '${letter}' in -${rest}`, undefined, { needsValue: name });
  return value;
}

function one(name: string, value: string, tookNext: boolean): Taken {
  return { flags: [{ name, value }], tookNext, help: false };
}

/** What a flag means without a value; undefined when it needs one. */
function bareValue(option: OptionDef): string | undefined {
  return option.bare ?? (option.kind === "boolean" ? "true" : undefined);
}

function buildLookup(table: OptionTable): Lookup {
  const long = new Map<string, string>();
  const short = new Map<string, string>();
  for (const name in table) {
    const option = table[name] as OptionDef;
    long.set(name, name);
    for (const alias of option.aliases ?? []) long.set(alias, name);
    if (option.short !== undefined) short.set(option.short, name);
  }
  return { long, short, table };
}

function visibleNames(lookup: Lookup): string[] {
  return [...lookup.long.keys()].filter(
    (name) => lookup.table[lookup.long.get(name) as string]?.hidden !== true,
  );
}
