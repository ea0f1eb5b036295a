/** The calling user's entry in the user database. The environment is not asked: USER may say anything under su. */
import { readIfExists } from "./fs.ts";

export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
}

/** The entry of a uid: from /etc/passwd, else through the system's other sources (`getent`, for LDAP and the like). */
export function lookupUser(uid: number): PasswdEntry | undefined {
  const local = findByUid(readIfExists("/etc/passwd") ?? "", uid);
  if (local !== undefined) return local;
  const { spawnSync } = process.getBuiltinModule("node:child_process");
  const { stdout } = spawnSync("getent", ["passwd", String(uid)], { encoding: "utf8", timeout: 5000 });
  return findByUid(stdout ?? "", uid);
}

/** The first entry with that uid in the text of a passwd file. */
export function findByUid(text: string, uid: number): PasswdEntry | undefined {
  for (const line of text.split("\n")) {
    const [name, , id, , , home] = line.split(":");
    if (name && id === String(uid)) return { name, uid, home: home ?? "" };
  }
  return undefined;
}
