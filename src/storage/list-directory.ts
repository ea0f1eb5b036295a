/** Reading directories that need not be there. */
import { readdirSync } from "node:fs";
import { errnoCode } from "../base/index.ts";

/** Names in a directory; none if it is not there. */
export function listDirectory(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return [];
    throw error;
  }
}
