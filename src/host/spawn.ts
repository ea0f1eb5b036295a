/** Programs of the host that kelp can use. */
import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";

/** Directories with helpers that are in no user's PATH. */
const USUAL_DIRS = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"];

/** Absolute path of an executable, from `dirs`, PATH and the usual places, or undefined. */
export function findProgram(
  name: string,
  dirs: readonly string[] = [],
  path: string = process.env.PATH ?? "",
): string | undefined {
  for (const dir of [...dirs, ...path.split(":"), ...USUAL_DIRS]) {
    if (!dir.startsWith("/")) continue;
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
