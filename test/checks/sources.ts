/** What the checks look at: the tracked files, and the new ones that no .gitignore hides. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "..", "..");

function git(...args: string[]): string {
  const result = Bun.spawnSync(["git", "-c", "safe.directory=*", "-C", ROOT, ...args]);
  if (!result.success) throw new Error(`cannot list the sources: ${result.stderr.toString().trim()}`);
  return result.stdout.toString();
}

/** Paths relative to the checkout, sorted. */
export function sourceFiles(pattern: RegExp): string[] {
  const listed = git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0");
  const gone = new Set(git("ls-files", "-z", "--deleted").split("\0"));
  return [...new Set(listed)].filter((path) => pattern.test(path) && !gone.has(path)).sort();
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** The text without comments; line numbers stay as they are. Good enough for biome-formatted code. */
export function withoutComments(text: string): string {
  const blank = (match: string) => match.replace(/[^\n]/g, " ");
  return text.replace(/^\s*\/\*[\s\S]*?\*\//gm, blank).replace(/(^|\s)\/\/[^\n]*/gm, blank);
}

/** `path:line` of every match, for a message one can click on. */
export function findings(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    withoutComments(read(path))
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}
