/** Unit files as systemd.syntax(7) has them: sections of entries, read with their lines and written again. */
import { ConfigError } from "../base/index.ts";

/** Where something was said, for errors: `FILE:LINE`. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

export interface UnitEntry extends Place {
  readonly key: string;
  /** Without the blanks around it; a continued line is one, its parts with a blank between them. */
  readonly value: string;
}

export interface UnitSection {
  readonly name: string;
  readonly entries: readonly UnitEntry[];
}

/** Sections in the order of their first mention, each with all of its entries. */
export interface UnitFile {
  readonly path: string;
  readonly sections: readonly UnitSection[];
}

/** The error for something a unit file says. */
export function unitError(place: Place, reason: string, hint?: string): ConfigError {
  return new ConfigError(
    "invalid-unit",
    `cannot use ${place.file}:${place.line}: ${reason}`,
    hint === undefined ? {} : { hint },
  );
}

/**
 * Reads a unit file.
 *
 * @throws {ConfigError} with file and line for what is neither a section, an entry nor a comment
 */
export function parseUnitFile(text: string, path: string): UnitFile {
  const sections = new Map<string, UnitEntry[]>();
  let current: UnitEntry[] | undefined;
  for (const { text: line, number } of logicalLines(text)) {
    const place = { file: path, line: number };
    const heading = /^\[([^[\]\p{Cc}]+)\]$/u.exec(line);
    if (heading !== null) {
      current = sections.get(heading[1]!) ?? [];
      sections.set(heading[1]!, current);
      continue;
    }
    const equals = line.indexOf("=");
    const key = line.slice(0, Math.max(0, equals)).trimEnd();
    if (line.startsWith("[")) throw unitError(place, `${line} is not a section`);
    if (!/^[A-Za-z0-9-]+$/.test(key)) throw unitError(place, "a line must be KEY=VALUE");
    if (current === undefined) throw unitError(place, `${key} comes before any section`);
    current.push({ ...place, key, value: line.slice(equals + 1).trim() });
  }
  return { path, sections: [...sections].map(([name, entries]) => ({ name, entries })) };
}

interface LogicalLine {
  readonly text: string;
  /** Of its beginning. */
  readonly number: number;
}

/** Lines without comments and blank ones; a backslash at the end goes on in the next line that is no comment. */
function logicalLines(text: string): LogicalLine[] {
  const result: LogicalLine[] = [];
  let begun: { text: string; number: number } | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    if (/^\s*[#;]/.test(raw) || (begun === undefined && raw.trim() === "")) continue;
    const continues = raw.endsWith("\\");
    const part = continues ? raw.slice(0, -1) : raw;
    begun = { text: (begun?.text ?? "") + part, number: begun?.number ?? index + 1 };
    if (continues) begun.text += " ";
    else {
      result.push({ ...begun, text: begun.text.trim() });
      begun = undefined;
    }
  }
  return begun === undefined ? result : [...result, { ...begun, text: begun.text.trim() }];
}

/** The sections of all of them in one, later files' entries behind earlier ones'. */
export function mergeUnitFiles(base: UnitFile, more: readonly UnitFile[]): UnitFile {
  const sections = new Map<string, UnitEntry[]>();
  for (const { name, entries } of [base, ...more].flatMap((file) => file.sections))
    sections.set(name, [...(sections.get(name) ?? []), ...entries]);
  return { path: base.path, sections: [...sections].map(([name, entries]) => ({ name, entries })) };
}

export function sectionEntries(file: UnitFile, section: string): readonly UnitEntry[] {
  return file.sections.find(({ name }) => name === section)?.entries ?? [];
}

/** The entry that counts where a key has one value: the last. */
export function lastEntry(file: UnitFile, section: string, key: string): UnitEntry | undefined {
  return sectionEntries(file, section).findLast((entry) => entry.key === key);
}

/** The entries of a key with many values; an empty one forgets those before it. */
export function listEntries(file: UnitFile, section: string, key: string): UnitEntry[] {
  const all = sectionEntries(file, section).filter((entry) => entry.key === key);
  return all.slice(all.findLastIndex(({ value }) => value === "") + 1);
}

/** systemd's words for true and false. */
export function parseUnitBoolean(entry: UnitEntry): boolean {
  const word = entry.value.toLowerCase();
  if (["1", "yes", "y", "true", "t", "on"].includes(word)) return true;
  if (["0", "no", "n", "false", "f", "off"].includes(word)) return false;
  throw unitError(entry, `${entry.key}=${entry.value} is neither true nor false`);
}
