/** Splits a Go template into tokens. Positions are offsets into the text, as Go's error messages count them. */

export type TokenKind =
  | "text"
  | "open"
  | "close"
  | "space"
  | "field"
  | "variable"
  | "word"
  | "dot"
  | "string"
  | "char"
  | "number"
  | "pipe"
  | "declare"
  | "assign"
  | "comma"
  | "lparen"
  | "rparen"
  | "eof";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly pos: number;
  readonly line: number;
}

/** A template that cannot be read: `NAME:LINE: what`. */
export class TemplateSyntaxError extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const TRIMMED = " \t\r\n";
/** Longest first where one begins another; each starts where the last token ended. */
const ACTION_TOKENS: readonly (readonly [TokenKind, RegExp])[] = [
  ["space", /[ \t\r\n]+/y],
  ["declare", /:=/y],
  ["assign", /=/y],
  ["pipe", /\|/y],
  ["comma", /,/y],
  ["lparen", /\(/y],
  ["rparen", /\)/y],
  ["string", /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y],
  ["char", /'(?:[^'\\\n]|\\.[0-7a-fA-F]*)*'/y],
  [
    "number",
    /[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)i?/y,
  ],
  ["field", /\.[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ["variable", /\$[\p{L}\p{Nd}_]*/uy],
  ["word", /[\p{L}_][\p{L}\p{Nd}_]*/uy],
  ["dot", /\./y],
];

/** @throws {TemplateSyntaxError} */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let pos = 0;
  const push = (kind: TokenKind, part: string, at: number) =>
    tokens.push({ kind, text: part, pos: at, line: lineAt(text, at) });
  for (;;) {
    const open = text.indexOf("{{", pos);
    const trims = open >= 0 && text[open + 2] === "-" && isSpace(text[open + 3]);
    const plain = text.slice(pos, open < 0 ? text.length : open);
    const shown = trims ? trimEnd(plain) : plain;
    if (shown !== "") push("text", shown, pos);
    if (open < 0) break;
    const inside = open + (trims ? 3 : 2);
    const comment = readComment(text, inside + (trims ? 1 : 0));
    if (comment === undefined) {
      push("open", "{{", open);
      pos = readAction(text, inside, tokens, push);
    } else {
      pos = comment;
    }
  }
  push("eof", "", text.length);
  return tokens;
}

/** The offset behind `/* … *\/}}`, or undefined where no comment starts. */
function readComment(text: string, start: number): number | undefined {
  if (!text.startsWith("/*", start)) return undefined;
  const line = lineAt(text, start);
  const end = text.indexOf("*/", start + 2);
  if (end < 0) throw new TemplateSyntaxError(line, "unclosed comment");
  if (text.startsWith("}}", end + 2)) return end + 4;
  if (isSpace(text[end + 2]) && text.startsWith("-}}", end + 3)) return skipSpace(text, end + 6);
  throw new TemplateSyntaxError(line, "comment ends before closing delimiter");
}

function readAction(
  text: string,
  start: number,
  tokens: Token[],
  push: (kind: TokenKind, part: string, at: number) => void,
): number {
  let pos = start;
  let depth = 0;
  for (;;) {
    if (
      isSpace(text[pos]) &&
      text.startsWith("-}}", skipSpace(text, pos)) &&
      text[skipSpace(text, pos) - 1] !== "-"
    ) {
      checkParens(text, pos, depth);
      const close = skipSpace(text, pos);
      push("close", "}}", close + 1);
      return skipSpace(text, close + 3);
    }
    if (text.startsWith("}}", pos)) {
      checkParens(text, pos, depth);
      push("close", "}}", pos);
      return pos + 2;
    }
    const [kind, part] = readToken(text, pos, tokens.at(-1));
    if (kind === "lparen") depth++;
    if (kind === "rparen" && --depth < 0)
      throw new TemplateSyntaxError(lineAt(text, pos), "unexpected right paren");
    push(kind, part, pos);
    pos += part.length;
  }
}

function checkParens(text: string, pos: number, depth: number): void {
  if (depth > 0) throw new TemplateSyntaxError(lineAt(text, pos), "unclosed left paren");
}

function readToken(text: string, pos: number, previous: Token | undefined): readonly [TokenKind, string] {
  if (pos >= text.length) throw new TemplateSyntaxError(lineAt(text, pos), "unclosed action");
  for (const [kind, pattern] of ACTION_TOKENS) {
    pattern.lastIndex = pos;
    const part = pattern.exec(text)?.[0];
    if (part === undefined) continue;
    // `.Names.1` and `$x.5` are bad fields, not a field and a number.
    if (kind === "number" && part.startsWith(".") && joinsPrevious(previous)) continue;
    return [kind, part];
  }
  throw new TemplateSyntaxError(lineAt(text, pos), describeStray(text, pos));
}

function joinsPrevious(previous: Token | undefined): boolean {
  return previous !== undefined && ["field", "variable", "rparen", "word"].includes(previous.kind);
}

function describeStray(text: string, pos: number): string {
  const character = String.fromCodePoint(text.codePointAt(pos) as number);
  if (character === '"') return "unterminated quoted string";
  if (character === "`") return "unterminated raw quoted string";
  if (character === "'") return "unterminated character constant";
  if (character === ":") return "expected :=";
  const code = (character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, "0");
  return `unrecognized character in action: U+${code} '${character}'`;
}

export function lineAt(text: string, pos: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < pos; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && TRIMMED.includes(character);
}

function skipSpace(text: string, pos: number): number {
  let at = pos;
  while (isSpace(text[at])) at++;
  return at;
}

function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text[end - 1])) end--;
  return text.slice(0, end);
}
