/** The patterns of `${NAME#pattern}` and its relatives: `*`, `?` and escaped characters. */

/** Cuts the shortest (or longest) beginning that matches. */
export function trimPrefix(value: string, pattern: string, longest: boolean): string {
  const match = new RegExp(`^${toSource(pattern, longest)}`, "su").exec(value);
  return match === null ? value : value.slice(match[0].length);
}

/** Cuts the shortest (or longest) end that matches: the latest, or earliest, place from which all of the rest does. */
export function trimSuffix(value: string, pattern: string, longest: boolean): string {
  const whole = new RegExp(`^${toSource(pattern, true)}$`, "su");
  const places = Array.from({ length: value.length + 1 }, (_, index) => index);
  const found = (longest ? places : places.reverse()).find((place) => whole.test(value.slice(place)));
  return found === undefined ? value : value.slice(0, found);
}

/** Replaces the first (or every) longest match. */
export function replacePattern(value: string, pattern: string, replacement: string, all: boolean): string {
  return value.replace(new RegExp(toSource(pattern, true), all ? "gsu" : "su"), () => replacement);
}

function toSource(pattern: string, greedy: boolean): string {
  let source = "";
  for (let index = 0; index < pattern.length; index++) {
    const char = pattern[index] as string;
    if (char === "*") source += greedy ? ".*" : ".*?";
    else if (char === "?") source += ".";
    else if (char === "\\" && index + 1 < pattern.length) source += escapeRegExp(pattern[++index] as string);
    else source += escapeRegExp(char);
  }
  return source;
}

function escapeRegExp(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
}
