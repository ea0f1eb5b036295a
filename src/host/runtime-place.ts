/** One store, one runtime directory: where the containers of a store live while any of them does. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConflictError } from "../base/index.ts";
import { readIfExists, writeFileAtomic } from "./fs.ts";
import { liveDir, type Paths } from "./paths.ts";
import { isAlive } from "./procfs.ts";

/** What a start may take until its monitor has an entry. */
const START_GRACE_MS = 10_000;

/**
 * The paths with the runtime directory that the store's containers live in. su, sudo and cron pass on or lack
 * XDG_RUNTIME_DIR; whoever looked elsewhere would take a running container for one that has ended, and start it again.
 *
 * @param chosen the caller named a runtime directory (--runroot): it is not silently exchanged
 * @throws {ConflictError} `runtime-elsewhere`, for a chosen one
 */
export function followRuntime(paths: Paths, chosen: boolean): Paths {
  const recorded = recordedRuntime(paths);
  if (recorded === undefined || recorded === paths.runtime || !isInUse(paths, recorded)) return paths;
  if (chosen) {
    throw new ConflictError(
      "runtime-elsewhere",
      `cannot use runtime directory ${paths.runtime}: containers of this store run in ${recorded}`,
      { hint: "Leave out --runroot, or stop them first." },
    );
  }
  const { notice: _notice, ...others } = paths;
  return { ...others, runtime: recorded };
}

/** Writes down, before a container starts, where it is going to live. */
export function recordRuntime(paths: Paths): void {
  if (recordedRuntime(paths) !== paths.runtime) writeFileAtomic(notePath(paths), paths.runtime);
}

function notePath({ data }: Paths): string {
  return join(data, "runtime");
}

function recordedRuntime(paths: Paths): string | undefined {
  return readIfExists(notePath(paths));
}

/** A monitor lives there, or a start was begun a moment ago. */
function isInUse(paths: Paths, runtime: string): boolean {
  if (statSync(runtime, { throwIfNoEntry: false })?.uid !== process.getuid?.()) return false;
  const age = Date.now() - (statSync(notePath(paths), { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return (age > -1000 && age < START_GRACE_MS) || hasLiveMonitor(liveDir({ ...paths, runtime }));
}

function hasLiveMonitor(directory: string): boolean {
  return entries(directory).some((name) => {
    const [pid = "", start = ""] = name.split("-");
    return /^\d+$/.test(pid) && /^\d+$/.test(start) && isAlive(Number(pid), BigInt(start));
  });
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
