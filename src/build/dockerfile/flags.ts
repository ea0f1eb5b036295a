/** The flags between an instruction's keyword and its arguments. */
import type { LogicalLine } from "./logical-lines.ts";
import { wordEnd } from "./word-end.ts";

export type FlagKind = "value" | "list" | "boolean";

/** Which flags each instruction takes; those of other instructions take none. */
export const FLAGS: Readonly<Record<string, Readonly<Record<string, FlagKind>>>> = {
  FROM: { platform: "value" },
  RUN: { mount: "list", network: "value", security: "value", device: "list" },
  COPY: {
    from: "value",
    chown: "value",
    chmod: "value",
    link: "boolean",
    parents: "boolean",
    exclude: "list",
  },
  ADD: {
    chown: "value",
    chmod: "value",
    link: "boolean",
    "keep-git-dir": "boolean",
    checksum: "value",
    exclude: "list",
    unpack: "boolean",
  },
  HEALTHCHECK: {
    interval: "value",
    timeout: "value",
    "start-period": "value",
    "start-interval": "value",
    retries: "value",
  },
};

export interface Flags {
  value(name: string): string | undefined;
  list(name: string): readonly string[];
  /** Undefined: not given. */
  boolean(name: string): boolean | undefined;
  readonly names: readonly string[];
}

export interface SplitFlags {
  readonly flags: Flags;
  /** What follows the flags, and where it begins in `rest`. */
  readonly text: string;
  readonly offset: number;
}

export type Fail = (offset: number, reason: string, hint?: string) => never;

/** @param fail throws an error placed at an offset of the line's `rest` */
export function splitFlags(line: LogicalLine, escapeChar: string, fail: Fail): SplitFlags {
  const given = new Map<string, string[]>();
  let offset = 0;
  for (;;) {
    offset += /^\s*/.exec(line.rest.slice(offset))?.[0].length ?? 0;
    if (!line.rest.startsWith("--", offset)) break;
    const end = wordEnd(line.rest, offset, escapeChar);
    const word = unquote(line.rest.slice(offset, end), escapeChar);
    const problem = word === "--" ? undefined : addFlag(line.keyword, given, word);
    if (problem !== undefined) fail(offset, problem, describe(line.keyword));
    offset = end;
    if (word === "--") break;
  }
  const text = line.rest.slice(offset).trim();
  return { flags: new GivenFlags(given), text, offset: line.rest.indexOf(text, offset) };
}

/** @returns what is wrong with it */
function addFlag(keyword: string, given: Map<string, string[]>, word: string): string | undefined {
  const known = FLAGS[keyword] ?? {};
  const [, name = "", value] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
  const kind = Object.hasOwn(known, name) ? known[name] : undefined;
  if (kind === undefined) return `${keyword} has no flag --${name}`;
  if (kind !== "boolean" && value === undefined) return `missing a value on flag: --${name}`;
  if (kind !== "list" && given.has(name)) return `duplicate flag specified: --${name}`;
  if (kind === "boolean" && !["true", "false", undefined].includes(value))
    return `expecting boolean value for flag --${name}, not: ${value}`;
  given.set(name, [...(given.get(name) ?? []), value ?? "true"]);
  return undefined;
}

function describe(keyword: string): string {
  const names = Object.keys(FLAGS[keyword] ?? {}).map((name) => `--${name}`);
  return names.length === 0 ? `${keyword} takes no flags` : `${keyword} takes ${names.join(", ")}`;
}

class GivenFlags implements Flags {
  readonly #given: ReadonlyMap<string, readonly string[]>;

  constructor(given: ReadonlyMap<string, readonly string[]>) {
    this.#given = given;
  }

  value(name: string): string | undefined {
    return this.#given.get(name)?.[0];
  }

  list(name: string): readonly string[] {
    return this.#given.get(name) ?? [];
  }

  boolean(name: string): boolean | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : value === "true";
  }

  get names(): readonly string[] {
    return [...this.#given.keys()];
  }
}

/** Quotes around parts of a flag are dropped, and with them escapes of quotes. */
function unquote(word: string, escapeChar: string): string {
  let result = "";
  let quote = "";
  for (let index = 0; index < word.length; index++) {
    const char = word[index] as string;
    if (char === escapeChar && quote !== "'" && /["'\\`\s]/.test(word[index + 1] ?? ""))
      result += word[++index];
    else if (quote !== "" && char === quote) quote = "";
    else if (quote === "" && (char === "'" || char === '"')) quote = char;
    else result += char;
  }
  return result;
}
