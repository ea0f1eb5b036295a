/** What the flags that make mounts share: paths and option words. */
import { lstatSync } from "node:fs";
import { posix } from "node:path";
import { errnoCode, UsageError } from "../base/index.ts";
import { errnoText } from "../host/index.ts";

const PROPAGATION = new Set([
  "shared",
  "rshared",
  "slave",
  "rslave",
  "private",
  "rprivate",
  "unbindable",
  "runbindable",
]);
/** Words of which a mount may carry one only. */
const EXCLUSIVE: readonly (readonly string[])[] = [
  ["rw", "ro"],
  ["exec", "noexec"],
  ["dev", "nodev"],
  ["suid", "nosuid"],
  ["bind", "rbind"],
  ["z", "Z"],
  ["copy", "nocopy"],
  [...PROPAGATION],
];
const PLAIN = new Set([
  ...EXCLUSIVE.flat(),
  "O",
  "U",
  "idmap",
  "nocreate",
  "no-dereference",
  "noatime",
  "relatime",
  "nodiratime",
]);

/** The cleaned destination; the root itself and relative paths are refused. */
export function containerPath(path: string): string {
  if (!path.startsWith("/")) {
    throw new UsageError(
      "invalid-mount",
      `invalid container path ${JSON.stringify(path)}, must be an absolute path`,
    );
  }
  const clean = cleanPath(path);
  if (clean === "/")
    throw new UsageError(
      "invalid-mount",
      `invalid mount destination ${JSON.stringify(path)}: must not be the root`,
    );
  return clean;
}

/** An absolute, existing path of the host. */
export function hostPath(path: string, cwd: string): string {
  const absolute = posix.resolve(cwd, path);
  try {
    lstatSync(absolute);
  } catch (cause) {
    const code = errnoCode(cause);
    const reason = errnoText(code) ?? String(cause);
    throw new UsageError("missing-source", `statfs ${absolute}: ${reason}`, {
      hint:
        code === "EACCES"
          ? "Another user's directory on the way to it is closed to you, and with that to your containers."
          : "A bind mount needs an existing file or directory on this machine; make it first.",
      cause,
    });
  }
  return absolute;
}

/** Known option words only, each kind once. */
export function checkOptions(words: readonly string[], origin: string): string[] {
  const options = words.filter((word) => word !== "");
  for (const word of options) {
    if (!PLAIN.has(word) && !/^(idmap|upperdir|workdir|size|mode|uid|gid|subpath)=/.test(word)) {
      throw new UsageError("invalid-mount-option", `${word}: invalid mount option`, {
        hint: `It comes from ${origin}.`,
      });
    }
  }
  const layers = ["upperdir=", "workdir="].filter((key) => options.some((word) => word.startsWith(key)));
  if (layers.length === 1) {
    throw new UsageError(
      "invalid-mount-option",
      `cannot use ${layers[0]} alone: an overlay needs both upperdir= and workdir=, on one filesystem`,
      { hint: `It comes from ${origin}.` },
    );
  }
  for (const group of EXCLUSIVE) {
    const given = options.filter((word) => group.includes(word));
    if (given.length > 1) {
      throw new UsageError(
        "invalid-mount-option",
        `invalid option ${JSON.stringify(given[1])}: cannot be combined with ${JSON.stringify(given[0])}`,
        {
          hint: `Both are in ${origin}.`,
        },
      );
    }
  }
  return options;
}

/** Binds are recursive and private unless they say otherwise. */
export function withDefaults(options: readonly string[]): string[] {
  const filled = [...options];
  if (!options.includes("bind") && !options.includes("rbind")) filled.push("rbind");
  if (!options.some((word) => PROPAGATION.has(word))) filled.push("rprivate");
  return filled;
}

/** Without `.`, `..`, doubled and trailing slashes. */
export function cleanPath(path: string): string {
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
}
