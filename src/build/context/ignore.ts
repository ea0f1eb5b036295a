/** Which files of a context a build must not see: the rules of `.dockerignore`. */
import { posix } from "node:path";
import { UsageError } from "../../base/index.ts";
import { pathPattern } from "./path-pattern.ts";

interface Rule {
  readonly match: RegExp;
  readonly negated: boolean;
}

export interface Ignore {
  /** Whether `path` (relative to the context, `a/b`) is left out. */
  ignores(path: string): boolean;
  /** Nothing beneath the ignored directory can be taken back in. */
  readonly prunes: boolean;
}

const IGNORE_NOTHING: Ignore = { ignores: () => false, prunes: true };

/** The lines that say something, without comments. */
export function readIgnoreLines(text: string): string[] {
  return text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/**
 * @param name for errors
 * @throws {UsageError} `ignore-invalid`
 */
export function makeIgnore(lines: readonly string[], name: string): Ignore {
  const rules = lines.map((line) => makeRule(line, name));
  if (rules.length === 0) return IGNORE_NOTHING;
  return {
    ignores: (path) => isIgnored(rules, path),
    prunes: !rules.some((rule) => rule.negated),
  };
}

function makeRule(line: string, name: string): Rule {
  const negated = line.startsWith("!");
  const text = negated ? line.slice(1).trim() : line;
  if (text === "") throw invalid(name, line, 'a "!" needs a pattern');
  // A slash at the end would otherwise keep the pattern from matching the directory itself.
  const clean = posix.normalize(text).replace(/(.)\/+$/, "$1");
  try {
    return { negated, match: pathPattern(clean.length > 1 ? clean.replace(/^\/+/, "") : clean) };
  } catch (error) {
    throw invalid(name, line, (error as Error).message);
  }
}

/** The last rule that matches the path or a directory it lies in decides. */
function isIgnored(rules: readonly Rule[], path: string): boolean {
  let ignored = false;
  for (const { match, negated } of rules) {
    if (ignored === !negated) continue;
    if (matchesPathOrParent(match, path)) ignored = !negated;
  }
  return ignored;
}

function matchesPathOrParent(match: RegExp, path: string): boolean {
  for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1))
    if (match.test(path.slice(0, end))) return true;
  return false;
}

function invalid(name: string, line: string, reason: string): UsageError {
  return new UsageError(
    "ignore-invalid",
    `cannot use ${name}: ${JSON.stringify(line.slice(0, 80))}: ${reason}`,
  );
}
