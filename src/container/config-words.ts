/** Flags whose value is a small language of its own: labels, limits, policies, commands. */
import { readFileSync } from "node:fs";
import { errnoCode, UsageError } from "../base/index.ts";
import { errnoText } from "../host/index.ts";
import type { ContainerConfig, UlimitConfig } from "../state/index.ts";

/** `KEY=VALUE` words, later ones winning; a word without `=` has an empty value. */
export function parsePairs(words: readonly string[], flag: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const word of words) {
    const equals = word.indexOf("=");
    const key = equals < 0 ? word : word.slice(0, equals);
    if (key === "")
      throw new UsageError("invalid-pair", `invalid ${flag} ${JSON.stringify(word)}: must be KEY=VALUE`);
    pairs[key] = equals < 0 ? "" : word.slice(equals + 1);
  }
  return pairs;
}

/** The labels of files (one a line, `#` begins a comment), then those of flags. */
export function readLabels(files: readonly string[], flags: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const file of files) {
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch (cause) {
      throw new UsageError(
        "label-file",
        `open ${file}: ${errnoText(errnoCode(cause)) ?? (cause as Error).message}`,
        { cause },
      );
    }
    const lines = text.split(/\r?\n/).map((line) => line.trimStart());
    Object.assign(
      labels,
      parsePairs(
        lines.filter((line) => line !== "" && !line.startsWith("#")),
        "label",
      ),
    );
  }
  return Object.assign(labels, parsePairs(flags, "label"));
}

/** `NAME=SOFT[:HARD]`; -1 is unlimited. */
export function parseUlimit(word: string): UlimitConfig {
  if (word === "host") return { name: "host", soft: 0, hard: 0 };
  const match = /^([A-Za-z_]+)=(-?\d+)(?::(-?\d+))?$/.exec(word);
  if (match === null) throw badUlimit(word, `invalid ulimit argument: ${word}`);
  const soft = Number(match[2]);
  const hard = Number(match[3] ?? match[2]);
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    const shown = soft === -1 ? "-1 (unlimited)" : String(soft);
    throw badUlimit(
      word,
      `ulimit soft limit must be less than or equal to hard limit: soft: ${shown}, hard: ${hard}`,
    );
  }
  return { name: match[1]!.toLowerCase(), soft, hard };
}

function badUlimit(word: string, reason: string): UsageError {
  return new UsageError(
    "invalid-ulimit",
    `ulimit option ${JSON.stringify(word)} requires name=SOFT:HARD, failed to be parsed: ${reason}`,
  );
}

/** The settings' limits, replaced one by one by the flags'. */
export function mergeUlimits(defaults: readonly string[], flags: readonly string[]): UlimitConfig[] {
  const limits = new Map([...defaults, ...flags].map(parseUlimit).map((limit) => [limit.name, limit]));
  return [...limits.values()];
}

/** `no`, `always`, `unless-stopped`, `on-failure[:COUNT]`. */
export function parseRestart(text: string | undefined): ContainerConfig["restart"] {
  const [policy = "", count] = (text ?? "no").split(":", 2);
  switch (policy) {
    case "":
    case "no":
      return { policy: "no", retries: 0 };
    case "always":
    case "unless-stopped":
      if (count === undefined) return { policy, retries: 0 };
      break;
    case "on-failure":
      if (count === undefined || /^\d+$/.test(count)) return { policy, retries: Number(count ?? 0) };
      break;
  }
  if (count !== undefined && policy !== "on-failure") {
    throw new UsageError(
      "invalid-restart",
      "restart retries can only be specified with on-failure restart policy: invalid argument",
    );
  }
  throw new UsageError(
    "invalid-restart",
    `${JSON.stringify(text)} is not a valid restart policy: invalid argument`,
    {
      hint: "Policies: no, always, unless-stopped, on-failure, on-failure:COUNT.",
    },
  );
}

export function parseSysctls(words: readonly string[]): Record<string, string> {
  for (const word of words) {
    if (word.indexOf("=") <= 0) {
      throw new UsageError("invalid-sysctl", `invalid sysctl ${word}, sysctl must be in form of KEY=VALUE`);
    }
  }
  return parsePairs(words, "sysctl");
}

/** A JSON array of strings, one program, or nothing (which clears the image's). */
export function parseEntrypoint(text: string): string[] {
  if (text === "") return [];
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((word) => typeof word === "string")) return list;
  } catch {
    // Not JSON: the name of a program.
  }
  return [text];
}

export interface CommandInput {
  readonly flag: string | undefined;
  readonly command: readonly string[];
  readonly imageEntrypoint: readonly string[];
  readonly imageCommand: readonly string[];
  readonly rootfs: boolean;
}

/** An entrypoint given by flag silences the image's command as well. */
export function chooseCommand(input: CommandInput): { entrypoint: string[]; command: string[] } {
  const given = input.flag === undefined ? undefined : parseEntrypoint(input.flag);
  const entrypoint = given ?? [...input.imageEntrypoint];
  const silenced = given !== undefined && given.length > 0;
  const command = input.command.length > 0 || silenced ? [...input.command] : [...input.imageCommand];
  if (entrypoint.length + command.length === 0) {
    // Nothing to look up in an image here: the start fails as an unknown command does.
    if (input.rootfs) return { entrypoint: [""], command: [] };
    throw new UsageError(
      "no-command",
      "no command or entrypoint provided, and no CMD or ENTRYPOINT from image",
    );
  }
  return { entrypoint, command };
}

/** Octal digits as `0022`. */
export function parseUmask(text: string): string {
  if (!/^[0-7]{1,4}$/.test(text))
    throw new UsageError("invalid-umask", `invalid umask string ${text}: invalid argument`);
  return text.padStart(4, "0");
}

export function checkWorkdir(path: string): string {
  if (!path.startsWith("/")) {
    throw new UsageError(
      "invalid-workdir",
      `the working directory ${JSON.stringify(path)} is invalid, it needs to be an absolute path`,
    );
  }
  return path;
}
