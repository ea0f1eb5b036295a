/** Entries of the machine's user database. The environment is not asked: USER may say anything under su. */
import { readIfExists } from "./fs.ts";

export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly fullName: string;
  readonly home: string;
}

/** The entry of a uid or name: from /etc/passwd, else through the system's other sources (`getent`, for LDAP and the like). */
export function lookupUser(who: number | string): PasswdEntry | undefined {
  const local = findUser(readIfExists("/etc/passwd") ?? "", who);
  if (local !== undefined) return local;
  if (typeof who === "string" && !/^[A-Za-z0-9_][A-Za-z0-9_.@-]*$/.test(who)) return undefined;
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { stdout } = spawnSync("getent", ["passwd", String(who)], { encoding: "utf8", timeout: 5000 });
  return findUser(stdout ?? "", who);
}

/** The name of a group. */
export function lookupGroup(gid: number): string | undefined {
  const lines = (readIfExists("/etc/group") ?? "").split("\n").map((line) => line.split(":"));
  return lines.find((fields) => fields[2] === String(gid))?.[0];
}

/** The first entry with that uid or name in the text of a passwd file. */
export function findUser(text: string, who: number | string): PasswdEntry | undefined {
  for (const line of text.split("\n")) {
    const [name, , uid, gid, fullName, home] = line.split(":");
    if (name && (typeof who === "number" ? uid === String(who) : name === who))
      return { name, uid: Number(uid), gid: Number(gid), fullName: fullName ?? "", home: home ?? "" };
  }
  return undefined;
}
