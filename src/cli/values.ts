/** From the texts of flags to typed values; every message is pflag's. */

import { parseDuration, parseSize } from "../base/index.ts";
import type { Settings } from "../config/index.ts";
import type { FlagUse } from "./argv.ts";
import type { OptionDef, OptionTable, OptionValues } from "./command.ts";
import { FlagError } from "./flag-error.ts";

const TRUE = new Set(["1", "t", "T", "true", "TRUE", "True"]);
const FALSE = new Set(["0", "f", "F", "false", "FALSE", "False"]);

export interface Values<T extends OptionTable> {
  readonly options: OptionValues<T>;
  readonly given: ReadonlySet<string>;
}

/**
 * Folds the uses of flags over the table's defaults, or what a configuration says instead: lists grow, everything else is replaced.
 *
 * @throws {FlagError} for a value of the wrong kind and for flags declared as not supported.
 */
export function readValues<T extends OptionTable>(
  table: T,
  uses: readonly FlagUse[],
  settings?: Settings,
): Values<T> {
  const options: Record<string, unknown> = {};
  for (const name in table) options[name] = initialValue(table[name] as OptionDef, settings);
  const given = new Set<string>();
  for (const { name, value } of uses) {
    const option = table[name] as OptionDef;
    refuseUnsupported(name, option, value);
    const first = !given.has(name);
    given.add(name);
    options[name] = fold(name, option, first ? undefined : options[name], value);
  }
  return { options: options as OptionValues<T>, given };
}

function initialValue(option: OptionDef, settings: Settings | undefined): unknown {
  const { setting } = option;
  if (setting !== undefined && settings?.origins[setting] !== undefined) return settings[setting];
  if (option.kind === "boolean") return option.default ?? false;
  if (option.kind === "list") return option.default ?? [];
  if (option.kind === "map") return option.default ?? {};
  return option.default;
}

/** A flag may be given with its default or with the value that means "off": scripts write `--restart no`. */
function refuseUnsupported(name: string, option: OptionDef, value: string): void {
  if (option.unsupported === undefined || String(option.default) === value) return;
  if (option.kind === "boolean" && FALSE.has(value)) return;
  throw new FlagError(`--${name} is not supported: ${option.unsupported}`, undefined, {
    code: "not-supported",
  });
}

/** A list given by the user replaces its default, as in pflag; `previous` is undefined for the first use. */
function fold(name: string, option: OptionDef, previous: unknown, value: string): unknown {
  switch (option.kind) {
    case "boolean":
      if (TRUE.has(value)) return true;
      if (FALSE.has(value)) return false;
      throw invalid(
        name,
        option,
        value,
        `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`,
      );
    case "int":
      return readInt(name, option, value);
    case "bytes":
      return readWith(parseSize, name, option, value);
    case "duration":
      return readWith(parseDuration, name, option, value);
    case "list":
      return [
        ...((previous as readonly string[]) ?? []),
        ...(option.comma === true ? splitCsv(value) : [value]),
      ];
    case "map":
      return { ...((previous as object) ?? {}), ...readPairs(name, option, value) };
    default:
      return value;
  }
}

function readInt(name: string, option: OptionDef, value: string): number {
  const bad = (why: string) =>
    invalid(name, option, value, `strconv.ParseInt: parsing ${JSON.stringify(value)}: ${why}`);
  const text = value.replaceAll("_", "");
  if (!/^[+-]?(0x[0-9a-f]+|0o?[0-7]*|0b[01]+|[1-9][0-9]*)$/i.test(text)) throw bad("invalid syntax");
  const octal = /^([+-]?)0([0-7]+)$/.exec(text);
  const magnitude = Number(octal ? `0o${octal[2]}` : text.replace(/^[+-]/, ""));
  if (!Number.isSafeInteger(magnitude)) throw bad("value out of range");
  return text.startsWith("-") ? -magnitude : magnitude;
}

function readWith(parse: (text: string) => number, name: string, option: OptionDef, value: string): number {
  try {
    return parse(value);
  } catch (error) {
    throw invalid(name, option, value, (error as Error).message);
  }
}

function readPairs(name: string, option: OptionDef, value: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const part of option.comma === true ? splitCsv(value) : [value]) {
    const equals = part.indexOf("=");
    if (equals === 0) throw invalid(name, option, value, `${part} must be formatted as key=value`);
    pairs[equals < 0 ? part : part.slice(0, equals)] = equals < 0 ? "" : part.slice(equals + 1);
  }
  return pairs;
}

function invalid(name: string, option: OptionDef, value: string, why: string): FlagError {
  const spelled = option.short === undefined ? `--${name}` : `-${option.short}, --${name}`;
  return new FlagError(`invalid argument ${JSON.stringify(value)} for "${spelled}" flag: ${why}`);
}

/** One line of CSV, as pflag's StringSlice reads it: quotes protect commas, doubled quotes are one. */
export function splitCsv(line: string): string[] {
  if (!line.includes('"')) return line === "" ? [] : line.split(",");
  const fields: string[] = [];
  for (const match of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    fields.push(match[1] === undefined ? (match[2] as string) : match[1].replaceAll('""', '"'));
  }
  return fields;
}
