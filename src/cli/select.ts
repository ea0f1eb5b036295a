/** Which objects a command is about: names, --all, --latest, --cidfile, and what excludes what. */
import { readFileSync } from "node:fs";
import { errnoCode, NotFoundError, UsageError } from "../base/index.ts";

export interface Selection {
  readonly args: readonly string[];
  readonly all?: boolean;
  readonly latest?: boolean;
  readonly cidfile?: readonly string[];
  /** --filter was given: choosing without a name is fine. */
  readonly filtered?: boolean;
}

/**
 * Refuses combinations as podman does and returns the names asked for, those of ID files included
 * (empty with --all, --latest or filters).
 *
 * @throws {UsageError}
 */
export function selectNames(selection: Selection): string[] {
  const { args, all = false, latest = false, cidfile = [], filtered = false } = selection;
  if (all && latest) throw conflict("--all and --latest cannot be used together");
  if (latest && args.length > 0) throw conflict("--latest and containers cannot be used together");
  if (cidfile.length > 0 && (all || latest)) {
    throw conflict(`--${all ? "all" : "latest"} and --cidfile cannot be used together`);
  }
  if (all && args.length > 0) throw conflict("no arguments are needed with --all");
  if (args.length === 0 && cidfile.length === 0 && !all && !latest && !filtered) {
    throw new UsageError("wrong-argument-count", "you must provide at least one name or id");
  }
  return [...args, ...cidfile.map(readIdFile)];
}

/** The container ID that `--cidfile` of run or create wrote. */
export function readIdFile(path: string): string {
  try {
    return (readFileSync(path, "utf8").split("\n")[0] as string).trim();
  } catch (cause) {
    const reason = errnoCode(cause) === "ENOENT" ? "no such file or directory" : (cause as Error).message;
    throw new NotFoundError("cidfile-unreadable", `reading CIDFile: open ${path}: ${reason}`, { cause });
  }
}

function conflict(message: string): UsageError {
  return new UsageError("exclusive-options", message);
}
