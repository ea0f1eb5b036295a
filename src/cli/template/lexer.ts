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
  | "other"
  | "error"
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

/** The tokens of `text`. A mistake ends them with an `error` token: the parser may complain about an earlier one first. */
export function tokenize(text: string): Token[] {
  const lexer = new Lexer(text);
  try {
    lexer.run();
  } catch (error) {
    if (!(error instanceof TemplateSyntaxError)) throw error;
    lexer.tokens.push({ kind: "error", text: error.message, pos: text.length, line: error.line });
  }
  return lexer.tokens;
}

class Lexer {
  readonly tokens: Token[] = [];
  private pos = 0;

  constructor(private readonly text: string) {}

  run(): void {
    for (;;) {
      const open = this.text.indexOf("{{", this.pos);
      const trims = open >= 0 && this.text[open + 2] === "-" && isSpace(this.text[open + 3]);
      const plain = this.text.slice(this.pos, open < 0 ? this.text.length : open);
      const shown = trims ? trimEnd(plain) : plain;
      if (shown !== "") this.push("text", shown);
      this.pos = open < 0 ? this.text.length : open;
      if (open < 0) break;
      this.openAction(open + (trims ? 3 : 2), trims);
    }
    this.push("eof", "");
  }

  private push(kind: TokenKind, part: string): void {
    this.tokens.push({ kind, text: part, pos: this.pos, line: lineAt(this.text, this.pos) });
  }

  private fail(message: string): never {
    throw new TemplateSyntaxError(lineAt(this.text, this.pos), message);
  }

  private openAction(inside: number, trims: boolean): void {
    const behind = readComment(this.text, inside + (trims ? 1 : 0));
    if (behind !== undefined) {
      this.pos = behind;
      return;
    }
    this.push("open", "{{");
    this.pos = inside;
    this.readAction();
  }

  private readAction(): void {
    let depth = 0;
    while (!this.readClose(depth)) {
      const [kind, part] = this.readToken();
      this.push(kind, part);
      if (kind === "lparen") depth++;
      if (kind === "rparen" && --depth < 0) this.fail("unexpected right paren U+0029 ')'");
      this.pos += part.length;
    }
  }

  /** `}}`, or ` -}}` with the space that follows it. */
  private readClose(depth: number): boolean {
    const { text, pos } = this;
    const dash = skipSpace(text, pos);
    const trims = dash > pos && text.startsWith("-}}", dash);
    if (!trims && !text.startsWith("}}", pos)) return false;
    if (depth > 0) this.fail("unclosed left paren");
    this.push("close", "}}");
    this.pos = trims ? skipSpace(text, dash + 3) : pos + 2;
    return true;
  }

  private readToken(): readonly [TokenKind, string] {
    if (this.pos >= this.text.length) this.fail("unclosed action");
    for (const [kind, pattern] of ACTION_TOKENS) {
      pattern.lastIndex = this.pos;
      const part = pattern.exec(this.text)?.[0];
      if (part === undefined) continue;
      this.checkAfter(kind, part);
      return [kind, part];
    }
    return this.readStray();
  }

  /** Names and numbers end where a space, an operator or the action ends. */
  private checkAfter(kind: TokenKind, part: string): void {
    const rest = this.text.slice(this.pos + part.length, this.pos + part.length + 2);
    if (kind === "number" && /^[\p{L}\p{Nd}_]/u.test(rest)) {
      this.fail(`bad number syntax: ${JSON.stringify(part + rest[0])}`);
    }
    if (kind !== "field" && kind !== "variable" && kind !== "word") return;
    if (rest !== "" && !/^(?:[\s.,|:()=]|\}\})/.test(rest)) this.fail(`bad character ${codePoint(rest)}`);
  }

  private readStray(): readonly [TokenKind, string] {
    const character = String.fromCodePoint(this.text.codePointAt(this.pos) as number);
    const reason = STRAY[character];
    if (reason !== undefined) this.fail(reason);
    if (/^[!-~]$/.test(character)) return ["other", character];
    return this.fail(`unrecognized character in action: ${codePoint(character)}`);
  }
}

/** `U+007D '}'` for the first character. */
function codePoint(text: string): string {
  const code = text.codePointAt(0) as number;
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")} '${String.fromCodePoint(code)}'`;
}

const STRAY: Readonly<Record<string, string>> = {
  '"': "unterminated quoted string",
  "`": "unterminated raw quoted string",
  "'": "unterminated character constant",
  ":": "expected :=",
  "+": 'illegal number syntax: "+"',
  "-": 'illegal number syntax: "-"',
};

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
