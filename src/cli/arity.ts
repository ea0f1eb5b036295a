import { UsageError } from "../base/index.ts";
import type { CommandDef } from "./command.ts";
import { spokenCommand } from "./program.ts";

/** Credentials that were asked for by name must be there, whether they turn out to be needed or not; login makes the file. */
export function checkAuthfile(path: readonly string[], given: ReadonlySet<string>, file: unknown): void {
  if (!given.has("authfile") || typeof file !== "string" || path.at(-1) === "login") return;
  if (process.getBuiltinModule("node:fs").existsSync(file)) return;
  throw new UsageError(
    "no-authfile",
    `credential file is not accessible: faccessat ${file}: no such file or directory`,
  );
}

/** Refuses too few or too many arguments in the words scripts know from cobra and podman. */
export function checkArgs(definition: CommandDef, path: readonly string[], args: readonly string[]): void {
  const { min, max, checked } = definition.args;
  const name = spokenCommand(path);
  const count = args.length;
  if (checked !== true && count < min) {
    if (max === min) throw wrongCount(`accepts ${min} arg(s), received ${count}`);
    const noun = min === 1 ? "argument" : "arguments";
    throw wrongCount(`"${name}" requires at least ${min} ${noun}`);
  }
  if (max === undefined || count <= max) return;
  if (max === 0) throw wrongCount(`"${name}" takes no arguments`);
  if (max === min) throw wrongCount(`accepts ${max} arg(s), received ${count}`);
  throw wrongCount(`accepts at most ${max} arg(s), received ${count}`);
}

const CHOOSERS = ["all", "latest", "cidfile", "filter", "running"];

/** For commands that count themselves: no name is only right where a flag chooses instead. */
export function checkChosen(
  definition: CommandDef,
  given: ReadonlySet<string>,
  args: readonly string[],
): void {
  if (definition.args.checked !== true || definition.args.min === 0 || args.length > 0) return;
  if (CHOOSERS.some((name) => given.has(name) && definition.options[name] !== undefined)) return;
  throw wrongCount("you must provide at least one name or id");
}

/** Refuses options that exclude each other, in the table's order whichever was typed first. */
export function checkExclusive(definition: CommandDef, given: ReadonlySet<string>): void {
  for (const [one, other, message] of definition.exclusive ?? []) {
    if (!given.has(one) || !given.has(other)) continue;
    throw new UsageError("exclusive-options", message ?? `--${one} and --${other} cannot be set together`);
  }
}

function wrongCount(message: string): UsageError {
  return new UsageError("wrong-argument-count", message);
}
