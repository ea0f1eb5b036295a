/** What a key of a quadlet's own section means for the command line of its service. */
import { listEntries, parseUnitBoolean, type UnitEntry, type UnitFile, unitError } from "../unit-file.ts";
import { splitUnitWords } from "../unit-words.ts";

/**
 *   value    the last entry, after the flag
 *   joined   the last entry, as `--flag=entry`: the flag may stand alone, and would take no word after it
 *   each     every entry whole, after the flag
 *   words    every word of every entry, after the flag
 *   boolean  the last entry as `--flag=true` or `--flag=false`
 *   switch   the flag (and `prefix` as its value) if the last entry is true
 *   own      code of the type's own file
 *   refused  kelp cannot honour it: `reason`
 */
export interface Rule {
  readonly kind: "value" | "joined" | "each" | "words" | "boolean" | "switch" | "own" | "refused";
  readonly flag?: string;
  /** Before each value. */
  readonly prefix?: string;
  readonly reason?: string;
  /** Values that can be honoured; others are refused with `reason`. */
  readonly only?: readonly string[];
}

export type Rules = Readonly<Record<string, Rule>>;

export const value = (flag: string, prefix?: string): Rule => ({
  kind: "value",
  flag,
  ...(prefix === undefined ? {} : { prefix }),
});
export const joined = (flag: string): Rule => ({ kind: "joined", flag });
export const each = (flag: string): Rule => ({ kind: "each", flag });
export const words = (flag: string): Rule => ({ kind: "words", flag });
export const boolean = (flag: string): Rule => ({ kind: "boolean", flag });
export const own: Rule = { kind: "own" };
export const refused = (reason: string): Rule => ({ kind: "refused", reason });

/** Checks that every entry of the section is known and can be honoured. */
export function checkKeys(file: UnitFile, section: string, rules: Rules): void {
  for (const entry of file.sections.find(({ name }) => name === section)?.entries ?? []) {
    const rule = Object.hasOwn(rules, entry.key) ? rules[entry.key] : undefined;
    if (rule === undefined) throw unitError(entry, `unsupported key '${entry.key}' in group '${section}'`);
    if (rule.kind === "refused" && entry.value !== "")
      throw unitError(entry, `${entry.key}= is not supported: ${rule.reason}`);
    if (rule.only !== undefined && !rule.only.includes(entry.value))
      throw unitError(entry, `${entry.key}=${entry.value} is not supported: ${rule.reason}`);
  }
}

/** The words that the section's keys give a command line, in the order of the rules. */
export function applyRules(file: UnitFile, section: string, rules: Rules): string[] {
  return Object.entries(rules).flatMap(([key, rule]) => applyRule(listEntries(file, section, key), rule));
}

function applyRule(entries: readonly UnitEntry[], rule: Rule): string[] {
  const last = entries.at(-1);
  if (last === undefined || rule.flag === undefined) return [];
  const { flag, prefix = "" } = rule;
  switch (rule.kind) {
    case "value":
      return [flag, prefix + unquoted(last)];
    case "joined":
      return [`${flag}=${prefix}${unquoted(last)}`];
    case "each":
      return entries.flatMap((entry) => [flag, prefix + unquoted(entry)]);
    case "words":
      return entries.flatMap((entry) => entryWords(entry).flatMap((word) => [flag, prefix + word]));
    case "boolean":
      return [`${flag}=${parseUnitBoolean(last)}`];
    case "switch":
      return parseUnitBoolean(last) ? [flag, ...(prefix === "" ? [] : [prefix])] : [];
    default:
      return [];
  }
}

/** The words of an entry. @throws {ConfigError} for a quote that is not closed */
export function entryWords(entry: UnitEntry): string[] {
  const found = splitUnitWords(entry.value);
  if (found === undefined) throw unitError(entry, `${entry.key}= has a quote that is not closed`);
  return found;
}

/** A value that is quoted as a whole is what the quotes hold. */
export function unquoted(entry: UnitEntry): string {
  if (!/^(".*"|'.*')$/.test(entry.value)) return entry.value;
  const found = entryWords(entry);
  return found.length === 1 ? found[0]! : entry.value;
}
