/**
 * A Dockerfile's text as instructions: directives, comments, continued lines and heredocs are dealt with here, so that
 * everything above sees one text for each instruction and knows where each of its characters stands.
 */
import { type HeredocMark, heredocMarks } from "./heredoc-marks.ts";
import { type Position, type SourceFile, syntaxError } from "./syntax-error.ts";

export interface Heredoc {
  readonly name: string;
  /** The name was not quoted: variables in the content are replaced. */
  readonly expand: boolean;
  readonly content: string;
}

export interface LogicalLine {
  /** Upper case. */
  readonly keyword: string;
  /** What follows the keyword, continued lines joined, without blanks around it. */
  readonly rest: string;
  /** The whole, as written but joined, for people. */
  readonly text: string;
  readonly position: Position;
  /** Line of the last character, heredocs included. */
  readonly endLine: number;
  readonly heredocs: readonly Heredoc[];
  /** Where the character at `offset` of `rest` stands in the file. */
  at(offset: number): Position;
}

export interface Directives {
  readonly escape: "\\" | "`";
  readonly syntax?: string;
  readonly check?: string;
}

export interface SplitFile {
  readonly file: SourceFile;
  readonly directives: Directives;
  readonly lines: readonly LogicalLine[];
}

/** Instructions whose heredocs are content; `ONBUILD` may carry one of them. */
const WITH_HEREDOC = /^(?:ONBUILD\s+)?(?:ADD|COPY|RUN)\s/i;
const MAX_LINES = 100_000;

/** @throws {UsageError} `dockerfile-invalid` */
export function splitDockerfile(text: string, name: string): SplitFile {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const file: SourceFile = { name, lines };
  if (lines.length > MAX_LINES)
    throw syntaxError(file, { line: 1, column: 1 }, `it has more than ${MAX_LINES} lines`);
  const { directives, next } = readDirectives(file);
  const found: LogicalLine[] = [];
  for (let index = next; index < lines.length; ) {
    const line = lines[index] as string;
    if (isComment(line) || line.trim() === "") {
      index++;
      continue;
    }
    const logical = readLogical(file, index, directives.escape);
    found.push(logical);
    index = logical.endLine;
  }
  return { file, directives, lines: found };
}

/** Only at the very top, each once; the first line that is none ends them. */
function readDirectives(file: SourceFile): { directives: Directives; next: number } {
  const seen: Record<string, string> = {};
  let index = 0;
  if (file.lines[0]?.startsWith("#!")) index++;
  for (; index < file.lines.length; index++) {
    const match = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(file.lines[index] as string);
    const key = match?.[1]?.toLowerCase() ?? "";
    if (!["syntax", "escape", "check"].includes(key)) break;
    const at = { line: index + 1, column: 1 };
    if (Object.hasOwn(seen, key)) throw syntaxError(file, at, `only one ${key} parser directive can be used`);
    const value = match?.[2] as string;
    if (key === "escape" && value !== "\\" && value !== "`")
      throw syntaxError(file, at, `invalid escape token ${JSON.stringify(value)}: it must be \` or \\`);
    seen[key] = value;
  }
  const { escape: escapeChar = "\\", syntax, check } = seen;
  const directives = {
    escape: escapeChar as "\\" | "`",
    ...(syntax === undefined ? {} : { syntax }),
    ...(check === undefined ? {} : { check }),
  };
  return { directives, next: index };
}

function isComment(line: string): boolean {
  return /^\s*#/.test(line);
}

interface Segment {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/** Without the escape character at its end, if the line goes on. Two of them are one character, not a continuation. */
function withoutContinuation(line: string, escapeChar: string): string | undefined {
  const trimmed = line.replace(/[ \t]+$/, "");
  if (!trimmed.endsWith(escapeChar)) return undefined;
  if (trimmed.length > 1 && trimmed.at(-2) === escapeChar) return undefined;
  return trimmed.slice(0, -1);
}

function readLogical(file: SourceFile, start: number, escapeChar: string): LogicalLine {
  const segments: Segment[] = [];
  let text = "";
  let index = start;
  for (let open = true; open && index < file.lines.length; index++) {
    const raw = file.lines[index] as string;
    const isFirst = index === start;
    if (!isFirst && (isComment(raw) || raw.trim() === "")) continue;
    const indent = isFirst ? raw.length - raw.trimStart().length : 0;
    const line = raw.slice(indent);
    const continued = withoutContinuation(line, escapeChar);
    segments.push({ offset: text.length, line: index + 1, column: indent + 1 });
    text += continued ?? line;
    open = continued !== undefined;
  }
  const heredocs: Heredoc[] = [];
  if (WITH_HEREDOC.test(text)) {
    for (const mark of heredocMarks(text, escapeChar)) {
      const read = readHeredoc(file, index, mark, { line: start + 1, column: 1 });
      heredocs.push(read.heredoc);
      index = read.next;
    }
  }
  return makeLine(text, segments, index, heredocs);
}

function makeLine(
  text: string,
  segments: readonly Segment[],
  endLine: number,
  heredocs: readonly Heredoc[],
): LogicalLine {
  const match = /^(\S+)(\s*)/.exec(text) as RegExpExecArray;
  const skipped = match[0].length;
  const locate = (offset: number): Position => {
    const segment = segments.findLast((candidate) => candidate.offset <= offset) as Segment;
    return { line: segment.line, column: segment.column + offset - segment.offset };
  };
  return {
    keyword: (match[1] as string).toUpperCase(),
    rest: text.slice(skipped).trimEnd(),
    text: text.trimEnd(),
    position: locate(0),
    endLine,
    heredocs,
    at: (offset) => locate(skipped + offset),
  };
}

function readHeredoc(
  file: SourceFile,
  start: number,
  mark: HeredocMark,
  at: Position,
): { heredoc: Heredoc; next: number } {
  const content: string[] = [];
  for (let index = start; index < file.lines.length; index++) {
    const raw = file.lines[index] as string;
    const line = mark.stripTabs ? raw.replace(/^\t+/, "") : raw;
    if (line === mark.name) {
      const heredoc = {
        name: mark.name,
        expand: mark.expand,
        content: content.map((text) => `${text}\n`).join(""),
      };
      return { heredoc, next: index + 1 };
    }
    content.push(line);
  }
  throw syntaxError(file, at, `unterminated heredoc: there is no line ${JSON.stringify(mark.name)}`);
}
