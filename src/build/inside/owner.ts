/** --chown and --chmod, by the files of the image that is copied to. The process's root is the image's. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { UsageError } from "../../base/index.ts";
import type { Owner } from "./target-tree.ts";

const MAX_BYTES = 4 << 20;

/**
 * `USER`, `USER:GROUP`, names or numbers. Without a group a number's group is the same number, a name's its own in the
 * image's list of users.
 *
 * @throws {UsageError} `owner-unknown`
 */
export function resolveOwner(text: string): Owner {
  const [user = "", group] = text.split(":", 2) as [string, string?];
  const found = resolveUser(user);
  if (group === undefined || group === "") return found;
  if (isNumber(group)) return { uid: found.uid, gid: Number(group) };
  const line = lines("/etc/group").find((fields) => fields[0] === group);
  if (line === undefined) throw unknown(text, `the image has no group ${JSON.stringify(group)}`);
  return { uid: found.uid, gid: Number(line[2]) };
}

/**
 * Who a process of USER is, and so the directory of a WORKDIR: as {@link resolveOwner}, but a number's group is that of
 * the user of the image with it, else 0.
 *
 * @throws {UsageError} `owner-unknown`
 */
export function resolveProcessOwner(text: string): Owner {
  const [user = "", group = ""] = text.split(":", 2);
  if (group !== "" || !isNumber(user)) return resolveOwner(text);
  const line = lines("/etc/passwd").find((fields) => fields[2] === user);
  return { uid: Number(user), gid: Number(line?.[3] ?? 0) };
}

function resolveUser(user: string): Owner {
  if (user === "") return { uid: 0, gid: 0 };
  if (isNumber(user)) return { uid: Number(user), gid: Number(user) };
  const line = lines("/etc/passwd").find((fields) => fields[0] === user);
  if (line === undefined) throw unknown(user, `the image has no user ${JSON.stringify(user)}`);
  return { uid: Number(line[2]), gid: Number(line[3]) };
}

function isNumber(text: string): boolean {
  return /^\d{1,10}$/.test(text);
}

function unknown(text: string, reason: string): UsageError {
  return new UsageError("owner-unknown", `cannot find owner ${JSON.stringify(text)}: ${reason}`);
}

/** The fields of a file of the image; a missing, endless or special one has no lines. */
function lines(path: string): string[][] {
  let fd: number;
  try {
    fd = openSync(path, 0o4000 /* O_NONBLOCK: a FIFO must not block */);
  } catch {
    return [];
  }
  try {
    const looks = fstatSync(fd);
    if (!looks.isFile() || looks.size > MAX_BYTES) return [];
    const bytes = Buffer.alloc(looks.size);
    const got = readSync(fd, bytes, 0, bytes.length, 0);
    return bytes
      .toString("utf8", 0, got)
      .split("\n")
      .map((line) => line.split(":"));
  } finally {
    closeSync(fd);
  }
}

/** What a file's mode becomes: an octal number replaces it, `u=rwX,go-w` edits it. */
export type ChangeMode = (mode: number, isDirectory: boolean) => number;

/** @throws {UsageError} `mode-invalid` */
export function parseMode(text: string): ChangeMode {
  if (/^[0-7]{1,4}$/.test(text)) return () => Number.parseInt(text, 8);
  const clauses = text.split(",").map((clause) => {
    const match = /^([ugoa]*)([-+=])([rwxXst]*|[ugo])$/.exec(clause);
    if (match === null) {
      throw new UsageError("mode-invalid", `cannot use --chmod=${text}: it is neither octal nor symbolic`);
    }
    return { who: match[1] || "a", operator: match[2] as string, what: match[3] as string };
  });
  return (mode, isDirectory) => clauses.reduce((now, clause) => applyClause(now, clause, isDirectory), mode);
}

const SHIFT: Readonly<Record<string, number>> = { u: 6, g: 3, o: 0 };
/** `g=u`: what another class may. */
const OTHERS = /^[ugo]$/;

function applyClause(
  mode: number,
  clause: { readonly who: string; readonly operator: string; readonly what: string },
  isDirectory: boolean,
): number {
  let result = mode;
  for (const who of clause.who.includes("a") ? "ugo" : clause.who) {
    const shift = SHIFT[who] as number;
    const bits = (permissions(clause.what, mode, isDirectory) << shift) | special(clause.what, who);
    if (clause.operator === "=") result &= ~((7 << shift) | special("st", who));
    result = clause.operator === "-" ? result & ~bits : result | bits;
  }
  return result;
}

function permissions(what: string, mode: number, isDirectory: boolean): number {
  if (OTHERS.test(what)) return (mode >> (SHIFT[what] as number)) & 7;
  const execute = what.includes("x") || (what.includes("X") && (isDirectory || (mode & 0o111) !== 0));
  return (what.includes("r") ? 4 : 0) | (what.includes("w") ? 2 : 0) | (execute ? 1 : 0);
}

function special(what: string, who: string): number {
  const set = what.includes("s") ? (who === "u" ? 0o4000 : who === "g" ? 0o2000 : 0) : 0;
  return set | (what.includes("t") && who === "o" ? 0o1000 : 0);
}
