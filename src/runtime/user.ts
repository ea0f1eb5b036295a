/**
 * Users and groups as containers name them (`1000`, `web`, `web:staff`, `0:0`) and what an image's
 * passwd and group files make of them.
 *
 * A string of digits is a number and nothing else; any other string is a name and nothing else. What is
 * neither a number that fits nor a name in the file is an error: no string ever becomes 0 by accident.
 */
import { UsageError } from "../base/index.ts";

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, without the primary one. */
  readonly groups: readonly number[];
  readonly home: string;
  /** The name in passwd, if there is one. */
  readonly name?: string;
}

/** Texts of the container's own files; empty where one is missing. */
export interface UserFiles {
  readonly passwd: string;
  readonly group: string;
}

/** --group-add's word for the caller's own groups. */
export const KEEP_GROUPS = "keep-groups";

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** podman's status for what its runtime refuses. */
const REFUSED = 126;
/** The kernel's "no id", and the largest that libraries store signed. */
const MAX_ID = 0x7fffffff;

/**
 * @param user `USER[:GROUP]`, empty for root
 * @param groupAdd further groups, by name or number; `keep-groups` is a matter of lowering
 * @throws {UsageError} with podman's words if a part is malformed or unknown
 */
export function resolveUser(user: string, groupAdd: readonly string[], files: UserFiles): ResolvedUser {
  const [userPart, groupPart] = splitUser(user);
  const passwd = parsePasswd(files.passwd);
  const groups = parseGroup(files.group);
  const entry = findUser(userPart, passwd);
  const uid = entry?.uid ?? parseId(userPart, "user") ?? unknownUser(userPart);
  const gid = groupPart === undefined ? (entry?.gid ?? 0) : findGroup(groupPart, groups);
  const memberOf =
    groupPart === undefined && entry !== undefined
      ? groups.filter((g) => g.members.includes(entry.name))
      : [];
  const supplementary = new Set([
    ...memberOf.map((g) => g.gid),
    ...groupAdd.filter((word) => word !== KEEP_GROUPS).map((word) => findGroup(word, groups)),
  ]);
  supplementary.delete(gid);
  return {
    uid,
    gid,
    groups: [...supplementary],
    home: entry?.home || "/",
    ...(entry === undefined ? {} : { name: entry.name }),
  };
}

function splitUser(user: string): [string, string | undefined] {
  const at = user.indexOf(":");
  const userPart = at < 0 ? user : user.slice(0, at);
  const groupPart = at < 0 ? undefined : user.slice(at + 1);
  if (at === 0 || groupPart === "" || groupPart?.includes(":") || /[\0-\x20\x7f]/.test(user)) {
    throw new UsageError(
      "invalid-user",
      `cannot use user ${JSON.stringify(user)}: it must be USER or USER:GROUP`,
      {
        hint: "give names from the image's /etc/passwd and /etc/group, or numbers",
      },
    );
  }
  return [userPart === "" ? "0" : userPart, groupPart];
}

function findUser(word: string, passwd: readonly PasswdEntry[]): PasswdEntry | undefined {
  const id = parseId(word, "user");
  return passwd.find((entry) => (id === undefined ? entry.name === word : entry.uid === id));
}

function findGroup(word: string, groups: readonly GroupEntry[]): number {
  const id = parseId(word, "group");
  if (id !== undefined) return id;
  const found = groups.find((entry) => entry.name === word);
  if (found !== undefined) return found.gid;
  throw new UsageError("unknown-group", `unable to find group ${word}: no matching entries in group file`, {
    exitCode: REFUSED,
    hint: "use a number, or a name from the image's /etc/group",
  });
}

function unknownUser(word: string): never {
  throw new UsageError("unknown-user", `unable to find user ${word}: no matching entries in passwd file`, {
    exitCode: REFUSED,
    hint: "use a number, or a name from the image's /etc/passwd",
  });
}

/** The number, undefined for a name; digits too large for an id are an error, not a name. */
function parseId(word: string, kind: string): number | undefined {
  if (!/^[0-9]+$/.test(word)) {
    if (/^[+-]?(?:[\p{Nd}.]+(?:e[+-]?\p{Nd}+)?|0[xob][\da-f]+)$/iu.test(word)) throw outOfRange(word, kind);
    return undefined;
  }
  const id = Number(word);
  if (id > MAX_ID) throw outOfRange(word, kind);
  return id;
}

function outOfRange(word: string, kind: string): UsageError {
  return new UsageError(
    "invalid-user",
    `cannot use ${kind} ${JSON.stringify(word)}: not a ${kind} id from 0 to ${MAX_ID}`,
  );
}

/** Lines that are not well-formed are skipped, as the C library does. */
export function parsePasswd(text: string): PasswdEntry[] {
  const entries: PasswdEntry[] = [];
  for (const line of text.split("\n")) {
    const [name, , uid, gid, , home] = line.split(":");
    if (!name || !isId(uid) || !isId(gid)) continue;
    entries.push({ name, uid: Number(uid), gid: Number(gid), home: home?.startsWith("/") ? home : "/" });
  }
  return entries;
}

export function parseGroup(text: string): GroupEntry[] {
  const entries: GroupEntry[] = [];
  for (const line of text.split("\n")) {
    const [name, , gid, members] = line.split(":");
    if (!name || !isId(gid)) continue;
    entries.push({
      name,
      gid: Number(gid),
      members: (members ?? "").split(",").filter((member) => member !== ""),
    });
  }
  return entries;
}

function isId(word: string | undefined): word is string {
  return word !== undefined && /^[0-9]+$/.test(word) && Number(word) <= MAX_ID;
}
