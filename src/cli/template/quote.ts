/** Go's quoting rules for strings and characters. */

const SIMPLE: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/** The value of a `"…"` or `` `…` `` literal. */
export function unquoteString(literal: string): string {
  const body = literal.slice(1, -1);
  if (literal.startsWith("`")) return body.replaceAll("\r", "");
  return body.replace(
    /\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/g,
    (_, sequence: string) => unescaped(sequence),
  );
}

function unescaped(sequence: string): string {
  if (/^[xuU]./.test(sequence)) return String.fromCodePoint(Number.parseInt(sequence.slice(1), 16));
  if (/^[0-7]{3}$/.test(sequence)) return String.fromCharCode(Number.parseInt(sequence, 8));
  return SIMPLE[sequence] ?? `\\${sequence}`;
}

/** The code point of a `'x'` literal. */
export function unquoteChar(literal: string): number {
  return unquoteString(literal).codePointAt(0) ?? 0;
}

/** `strconv.Quote`. */
export function quoteString(text: string, asciiOnly = false): string {
  let quoted = '"';
  for (const character of text) quoted += quoteCharacter(character, '"', asciiOnly);
  return `${quoted}"`;
}

/** `strconv.QuoteRune`. */
export function quoteRune(code: number, asciiOnly = false): string {
  return `'${quoteCharacter(String.fromCodePoint(code), "'", asciiOnly)}'`;
}

const NAMED: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
};

function quoteCharacter(character: string, quote: string, asciiOnly: boolean): string {
  if (character === quote) return `\\${quote}`;
  const named = NAMED[character];
  if (named !== undefined) return named;
  const code = character.codePointAt(0) as number;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x7f) return character;
  if (!asciiOnly && (character === " " || /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(character))) return character;
  return code > 0xffff
    ? `\\U${code.toString(16).padStart(8, "0")}`
    : `\\u${code.toString(16).padStart(4, "0")}`;
}
