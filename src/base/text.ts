/** Text on its way to people: whatever an image, a name or a server supplied is shown, never obeyed. */

/**
 * What a terminal could act on: C0 and C1 controls, DEL, the marks that reorder or hide text,
 * line and paragraph separators, and halves of surrogate pairs.
 */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\p{Surrogate}|[\u{e0000}-\u{e007f}]/gu;

const SHORT_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Shows every character a terminal could act on as an escape; newlines and tabs too, so that the text stays one cell of a table. */
export function escapeControl(text: string): string {
  return text.replace(UNSAFE, escapeOne);
}

/** The same for text of several lines: newline and tab stay. */
export function escapeLines(text: string): string {
  return text.replace(UNSAFE, (character) =>
    character === "\n" || character === "\t" ? character : escapeOne(character),
  );
}

/** The same for JSON: such characters stand in strings only, and an escape there is the same string to every reader. */
export function escapeJson(text: string): string {
  return text.replace(UNSAFE, (character) =>
    character === "\n" ? character : character.split("").map(jsonEscape).join(""),
  );
}

/** Of one UTF-16 unit, as JSON has it. */
function jsonEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function escapeOne(character: string): string {
  const short = SHORT_ESCAPES[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) as number;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code < 0x10000
    ? `\\u${code.toString(16).padStart(4, "0")}`
    : `\\U${code.toString(16).padStart(8, "0")}`;
}

/** At most `width` characters, the last one being `…` if something was cut; never cuts a character in half. */
export function ellipsis(text: string, width: number): string {
  if (text.length <= width) return text;
  const characters = [...text];
  if (characters.length <= width) return text;
  return `${characters.slice(0, Math.max(0, width - 1)).join("")}…`;
}
