/** Names for half-made things in data/tmp that say who is at them: garbage as soon as that process has gone, and not before. */
import { join } from "node:path";
import { type Paths, tempDir } from "./paths.ts";
import { isAlive, processStart } from "./procfs.ts";

let count = 0;

/** A new path `WHAT~PID-START-N` in data/tmp, this process's own. */
export function temporaryPath(paths: Paths, what: string): string {
  return join(tempDir(paths), `${what}~${process.pid}-${processStart(process.pid) ?? 0}-${count++}`);
}

/** What such a name says; undefined for any other. */
export function temporaryName(
  name: string,
): { readonly what: string; readonly isAbandoned: boolean } | undefined {
  const [, what, pid, start] = /^(.*)~(\d+)-(\d+)-\d+$/.exec(name) ?? [];
  if (what === undefined) return undefined;
  return { what, isAbandoned: !isAlive(Number(pid), BigInt(start!)) };
}
