/** Words of a unit's value: how systemd splits and unquotes them, and how they are written so that it reads the same. */

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  s: " ",
  "\\": "\\",
  '"': '"',
  "'": "'",
};
const CODE = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))/;

/**
 * Splits at blanks outside of quotes and takes quotes and escapes away; undefined where a quote is not closed. Escapes
 * that systemd does not know stay as they are.
 */
export function splitUnitWords(value: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < value.length; ) {
    const { text, length, kind } = nextPiece(value.slice(at), quote);
    at += length;
    if (kind === "blank") {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    word = (word ?? "") + text;
    if (kind === "quote") quote = quote === "" ? value[at - 1]! : "";
  }
  if (quote !== "") return undefined;
  return word === undefined ? words : [...words, word];
}

interface Piece {
  readonly kind: "text" | "blank" | "quote";
  readonly text: string;
  readonly length: number;
}

function nextPiece(rest: string, quote: string): Piece {
  const char = rest[0]!;
  if (char === "\\") {
    const [text, length] = readEscape(rest.slice(1));
    return { kind: "text", text, length: 1 + length };
  }
  const isQuote = quote === "" ? char === '"' || char === "'" : char === quote;
  if (isQuote) return { kind: "quote", text: "", length: 1 };
  if (quote === "" && /\s/.test(char)) return { kind: "blank", text: "", length: 1 };
  return { kind: "text", text: char, length: 1 };
}

/** What an escape stands for, and how many characters after the backslash it takes. */
function readEscape(rest: string): [string, number] {
  const simple = ESCAPES[rest[0] ?? ""];
  if (simple !== undefined) return [simple, 1];
  const code = CODE.exec(rest);
  if (code === null) return [`\\${rest[0] ?? ""}`, rest === "" ? 0 : 1];
  const number =
    code[4] === undefined ? Number.parseInt(code[1] ?? code[2] ?? code[3]!, 16) : Number.parseInt(code[4], 8);
  return [number > 0 && number <= 0x10ffff ? String.fromCodePoint(number) : `\\${code[0]}`, code[0].length];
}

const WRITTEN: Readonly<Record<string, string>> = {
  "\n": "\\n",
  "\t": "\\t",
  "\r": "\\r",
  '"': '\\"',
  "\\": "\\\\",
};

/** A word as one of a unit's command line. Specifiers (`%`) and variables (`$`) stay systemd's. */
export function quoteUnitWord(word: string): string {
  if (word !== "" && !/[\s"'\\;\p{Cc}]/u.test(word)) return word;
  const text = word.replace(
    /["\\\p{Cc}]/gu,
    (char) => WRITTEN[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${text}"`;
}

/** A command line of those words. */
export function unitCommand(words: readonly string[]): string {
  return words.map(quoteUnitWord).join(" ");
}

/** A word in which systemd finds nothing to replace: it goes to a program as it is. */
export function literalUnitWord(word: string): string {
  return word.replaceAll("%", "%%").replaceAll("$", "$$$$");
}
