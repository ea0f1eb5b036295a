/** Removing beneath a directory held open. */
import { chmodSync, rmdirSync, unlinkSync } from "node:fs";
import type { Directory } from "./directory.ts";

/** One name with everything beneath it; links are removed, never followed. */
export function removeBeneath(dir: Directory, name: string): void {
  const looks = dir.stat(name);
  if (looks === undefined) return;
  if (!looks.isDirectory()) {
    unlinkSync(dir.path(name));
    return;
  }
  const child = dir.child(name);
  try {
    chmodSync(child.self, 0o700);
    for (const inner of child.names()) removeBeneath(child, inner);
  } finally {
    child.close();
  }
  rmdirSync(dir.path(name));
}
