/** Memory of what an engine keeps running beside the user's own processes. */
import { readdirSync, readFileSync } from "node:fs";
import { UID } from "./engines.ts";

interface Process {
  pid: string;
  name: string;
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Processes of the account, by host uid. */
export function ownProcesses(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const status = readOrEmpty(`/proc/${pid}/status`);
      const uid = Number(status.match(/^Uid:\s+(\d+)/m)?.[1] ?? -1);
      return uid === UID ? [{ pid, name: status.match(/^Name:\s+(.*)$/m)?.[1] ?? "?" }] : [];
    });
}

/** kB of private memory; undefined where it may not be read (processes that are not dumpable, without root). */
function privateMemory(pid: string): number | undefined {
  const text = readOrEmpty(`/proc/${pid}/smaps_rollup`);
  // One that has ended meanwhile takes nothing.
  if (text === "") return readOrEmpty(`/proc/${pid}/cmdline`) === "" ? 0 : undefined;
  const rows = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)];
  return rows.reduce((sum, [, value]) => sum + Number(value), 0);
}

/** kB that the account's processes have in proportion (shared pages divided), at its highest while `work` goes on. */
export async function peakMemory(work: () => Promise<unknown>): Promise<number> {
  const before = new Set(ownProcesses().map(({ pid }) => pid));
  let peak = 0;
  let done = false;
  const ended = work().finally(() => {
    done = true;
  });
  while (!done) {
    const added = ownProcesses().filter(({ pid }) => !before.has(pid));
    peak = Math.max(
      peak,
      added.reduce((sum, { pid }) => sum + proportional(pid), 0),
    );
    await Bun.sleep(10);
  }
  await ended;
  return peak;
}

function proportional(pid: string): number {
  return Number(readOrEmpty(`/proc/${pid}/smaps_rollup`).match(/^Pss:\s+(\d+) kB$/m)?.[1] ?? 0);
}

/** `kB (names)` per container of what came into being since `before`, the containers' own `sleep` left out. */
export function residentPerContainer(
  before: readonly Process[],
  containers: number,
): { kilobytes: number; what: string } | undefined {
  const known = new Set(before.map(({ pid }) => pid));
  const added = ownProcesses().filter(({ pid, name }) => !known.has(pid) && name !== "sleep");
  const sizes = added.map(({ pid }) => privateMemory(pid));
  if (sizes.some((size) => size === undefined)) return undefined;
  const counts = Map.groupBy(added, ({ name }) => name);
  return {
    kilobytes: sizes.reduce((sum: number, size) => sum + (size ?? 0), 0) / containers,
    what: [...counts].map(([name, list]) => `${list.length} ${name}`).join(", "),
  };
}
