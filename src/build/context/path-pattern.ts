/** Patterns of paths as Go's filepath.Match has them, with `**` for any number of directories. */

/**
 * A pattern for whole paths relative to the context (`a/b`, without a leading slash).
 *
 * @throws {SyntaxError} for an unclosed bracket
 */
export function pathPattern(pattern: string): RegExp {
  let source = "";
  for (let index = 0; index < pattern.length; index++) {
    const char = pattern[index] as string;
    if (char === "*" && pattern[index + 1] === "*") {
      index++;
      if (pattern[index + 1] === "/") {
        index++;
        source += "(?:.*/)?";
      } else source += ".*";
    } else if (char === "*") source += "[^/]*";
    else if (char === "?") source += "[^/]";
    else if (char === "[") {
      const end = classEnd(pattern, index);
      source += classSource(pattern.slice(index + 1, end));
      index = end;
    } else if (char === "\\" && index + 1 < pattern.length) source += escaped(pattern[++index] as string);
    else source += escaped(char);
  }
  return new RegExp(`^${source}$`, "su");
}

export function hasWildcard(text: string): boolean {
  return /[*?[\\]/.test(text);
}

function classEnd(pattern: string, start: number): number {
  for (let index = start + 1; index < pattern.length; index++) {
    if (pattern[index] === "\\") index++;
    else if (pattern[index] === "]" && index > start + 1) return index;
  }
  throw new SyntaxError(`syntax error in pattern ${JSON.stringify(pattern)}`);
}

function classSource(content: string): string {
  const negated = content.startsWith("^");
  const rest = (negated ? content.slice(1) : content).replace(/\\(.)|([[\]^])/gsu, (_, quoted, plain) => {
    const char = quoted ?? plain;
    return /[\\\]^[-]/.test(char) ? `\\${char}` : char;
  });
  return negated ? `[^/${rest}]` : `(?!/)[${rest}]`;
}

function escaped(char: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char;
}
