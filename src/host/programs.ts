/** Programs of the host that kelp can use. */
import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";
import { searchPath } from "./paths.ts";

/** Where helpers are that a user's PATH often lacks. */
const USUAL_DIRS = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Absolute path of an executable: from `dirs`, then PATH, then the usual places; undefined if it is nowhere. */
export function findProgram(name: string, dirs: readonly string[] = []): string | undefined {
  for (const dir of [...dirs, ...searchPath(), ...USUAL_DIRS]) {
    const file = join(dir, name);
    if (isExecutableFile(file)) return file;
  }
  return undefined;
}

function isExecutableFile(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
