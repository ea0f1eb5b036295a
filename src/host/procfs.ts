/** What /proc tells about processes and this boot. */
import { readFileSync, statSync } from "node:fs";
import { errnoCode } from "../base/index.ts";
import { readIfExists } from "./fs.ts";

/**
 * When a process started, in clock ticks since boot: with its pid the only identity a
 * process has, since pids are given out again. Undefined: there is no such process, or only its zombie.
 */
export function processStart(pid: number): bigint | undefined {
  const stat = readProcFile(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The command's name is in parentheses and may contain anything, parentheses included.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return undefined;
  const start = fields[19];
  return start === undefined ? undefined : BigInt(start);
}

/** Whether exactly that process still lives. */
export function isAlive(pid: number, start: bigint): boolean {
  return processStart(pid) === start;
}

let boot: string | undefined;

/** Identifies the running boot of the machine; files that carry another one are from before a restart. */
export function bootId(): string {
  boot ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return boot;
}

/** The process has gone meanwhile, or it is another user's of the same container: files as `io` are for their owner alone. */
const UNSEEN: ReadonlySet<string> = new Set(["ESRCH", "EACCES", "EPERM"]);

/** A file of /proc, or undefined if its process has gone (which may happen while reading, too) or does not show it. */
export function readProcFile(path: string): string | undefined {
  try {
    return readIfExists(path);
  } catch (error) {
    if (UNSEEN.has(errnoCode(error) ?? "")) return undefined;
    throw error;
  }
}

/**
 * The process that holds a directory or file locked by flock, as /proc/locks tells it; undefined: nobody whom we see.
 * The device is not compared, because btrfs and overlay give files another one than /proc/locks does.
 */
export function lockHolder(path: string): number | undefined {
  const inode = statSync(path, { throwIfNoEntry: false })?.ino;
  if (inode === undefined) return undefined;
  for (const line of readIfExists("/proc/locks")?.split("\n") ?? []) {
    const [, kind, , , pid, place = ""] = line.trim().split(/\s+/);
    if (kind === "FLOCK" && place.slice(place.lastIndexOf(":") + 1) === String(inode) && isMonitor(pid))
      return Number(pid);
  }
  return undefined;
}

/** Of ours: another file system may have the same inode number. */
function isMonitor(pid = ""): boolean {
  return readProcFile(`/proc/${pid}/comm`)?.startsWith("holdfast") === true;
}
