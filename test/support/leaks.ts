/** What tests must not leave behind. */
import { readdirSync, readFileSync } from "node:fs";

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // ended meanwhile, or not ours to read
  }
}

/** Processes other than this one whose command line or mounts mention one of the directories. */
export function processesUsing(directories: readonly string[]): string[] {
  const mentions = (text: string) => directories.some((directory) => text.includes(directory));
  const ids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const own = readOrEmpty("/proc/self/mountinfo");
  return ids.flatMap((pid) => {
    const command = readOrEmpty(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
    if (mentions(command)) return [`process ${pid}: ${command}`];
    const mounts = readOrEmpty(`/proc/${pid}/mountinfo`);
    return mounts !== own && mentions(mounts) ? [`process ${pid} holds mounts: ${command}`] : [];
  });
}

/** Ends the processes that have `NAME=value` in their environment; for tests that leave some behind on purpose. */
export function killMarked(name: string, value: string): void {
  for (const pid of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    if (!readOrEmpty(`/proc/${pid}/environ`).split("\0").includes(`${name}=${value}`)) continue;
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // ended meanwhile
    }
  }
}

/** Mounts of this namespace beneath one of the directories. */
export function mountsBeneath(directories: readonly string[]): string[] {
  return readOrEmpty("/proc/self/mountinfo")
    .split("\n")
    .filter((line) => directories.some((directory) => line.split(" ")[4]?.startsWith(directory)))
    .map((line) => `mount ${line.split(" ")[4]}`);
}

/**
 * Files in runtime directories, apart from locks, what is known of the uplink, and what the next start sweeps: marks, plans
 * and entries of ended containers.
 */
function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter(
        (entry) =>
          !entry.isDirectory() &&
          !/\.lock$|^uplink(-|$)|^unshare-\d+\.plan$/.test(entry.name) &&
          !/\/(gone|plans|live)$/.test(entry.parentPath),
      )
      .map((entry) => `file ${entry.parentPath}/${entry.name}`);
  } catch {
    return [];
  }
}

/** Everything that is left of a sandbox whose directories these are; the last one is its runtime directory. */
export function leaksOf(directories: readonly string[]): string[] {
  const runtime = directories.at(-1);
  return [
    ...processesUsing(directories),
    ...mountsBeneath(directories),
    ...(runtime === undefined ? [] : filesIn(runtime)),
  ];
}
