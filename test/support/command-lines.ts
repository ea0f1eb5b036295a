/** test/golden/command-lines.txt: command lines with what they print and their exit status. */
import type { KelpResult } from "./sandbox.ts";

export interface CommandLine {
  readonly line: string;
  /** As a shell would split it. */
  readonly words: readonly string[];
  readonly stdin: string;
  /** What comes out, written as the file has it. */
  readonly expected: string;
  /** Comments and empty lines before it. */
  readonly before: string;
}

/**
 * A command line is `$ LINE`; `< ` is a line of its input, `> ` of its output, `! ` of its errors, `? ` its exit
 * status if that is not 0.
 */
export function parseCommandLines(text: string): CommandLine[] {
  const found: CommandLine[] = [];
  let before = "";
  for (const line of text.split("\n")) {
    const last = found.at(-1);
    if (line.startsWith("$ ")) {
      found.push({ line: line.slice(2), words: splitWords(line.slice(2)), stdin: "", expected: "", before });
      before = "";
    } else if (line.startsWith("< ") && last !== undefined)
      found[found.length - 1] = { ...last, stdin: `${last.stdin}${line.slice(2)}\n` };
    else if (/^[>!?]( |$)/.test(line) && last !== undefined)
      found[found.length - 1] = { ...last, expected: `${last.expected}${line}\n` };
    else if (line !== "") before += `${line}\n`;
  }
  return found;
}

/** Single and double quotes as in a shell; no other expansion. */
export function splitWords(line: string): string[] {
  return [...line.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double),
  );
}

export function writeCommandLines(lines: readonly (CommandLine & { readonly actual: string })[]): string {
  return lines
    .map(({ before, line, stdin, actual }) => {
      const input = stdin === "" ? "" : prefixed("< ", stdin);
      return `${before === "" ? "" : `\n${before}\n`}$ ${line}\n${input}${actual}`;
    })
    .join("")
    .replace(/^\n/, "");
}

/** What came out, in the file's form, without what differs from run to run. */
export function normalise(
  { code, stdout, stderr }: KelpResult,
  places: Readonly<Record<string, string>>,
): string {
  return plain(
    `${prefixed("> ", stdout)}${prefixed("! ", stderr)}${code === 0 ? "" : `? ${code}\n`}`,
    places,
  );
}

function prefixed(mark: string, text: string): string {
  if (text === "") return "";
  return `${text
    .replace(/\n$/, "")
    .split("\n")
    .map((line) => `${mark}${line}`)
    .join("\n")}\n`;
}

const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{64}\b/g, "<id>"],
  [/\b[0-9a-f]{25}\b/g, "<id>"],
  [/\b[0-9a-f]{12}(?:-dirty)?\b/g, "<id>"],
  [/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g, "<time>"],
  [/\d{4}-\d\d-\d\d [\d:.]+ [+-]\d{4} \w+/g, "<time>"],
  [/(?:Less than a|About an?|\d+) (?:second|minute|hour|year)s?(?: ago)?/g, "<ago>"],
  [/\b\d+(?:\.\d+)? ?[kMG]?B\b/g, "<size>"],
  [/ +$/gm, ""],
  [/(?<=\S) {2,}(?=\S)/g, "  "],
];

function plain(text: string, places: Readonly<Record<string, string>>): string {
  let shown = text;
  for (const [value, name] of Object.entries(places)) shown = shown.replaceAll(value, name);
  for (const [pattern, name] of VARYING) shown = shown.replaceAll(pattern, name);
  return shown;
}
