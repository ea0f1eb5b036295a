/**
 * The processes of a container, read from the host's /proc. Nothing of the container is executed or loaded for it: a `ps`
 * inside could be the attacker's.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { readProcFile } from "../host/index.ts";

export interface ContainerProcess {
  readonly hostPid: number;
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly session: number;
  /** Ids as the container sees them, and as the host does. */
  readonly uid: number;
  readonly gid: number;
  readonly hostUid: number;
  readonly hostGid: number;
  readonly state: string;
  readonly nice: number;
  readonly ttyNumber: number;
  readonly threads: number;
  readonly vsizeKb: number;
  readonly rssKb: number;
  /** Seconds. */
  readonly cpuTime: number;
  readonly elapsed: number;
  readonly comm: string;
  readonly args: readonly string[];
  readonly status: ReadonlyMap<string, string>;
}

/** Clock ticks a second in /proc; a constant of Linux's interface. */
const TICKS = 100;
const PAGE_KB = 4;

/** Every process in the pid namespace of `init`, by pid. */
export function containerProcesses(init: number): ContainerProcess[] {
  const namespace = link(`/proc/${init}/ns/pid`);
  if (namespace === undefined) return [];
  const uptime = Number((readProcFile("/proc/uptime") ?? "0").split(" ")[0]);
  const maps = { uid: readMap(init, "uid_map"), gid: readMap(init, "gid_map") };
  const pids = readdirSync("/proc").filter(
    (name) => /^\d+$/.test(name) && link(`/proc/${name}/ns/pid`) === namespace,
  );
  const processes = pids
    .map((name) => readProcess(Number(name), uptime, maps))
    .filter((found) => found !== undefined);
  const inside = new Map(processes.map((found) => [found.hostPid, found.pid]));
  return processes
    .map((found) => ({ ...found, ppid: inside.get(found.ppid) ?? 0 }))
    .sort((a, b) => a.pid - b.pid);
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

interface Maps {
  readonly uid: readonly (readonly number[])[];
  readonly gid: readonly (readonly number[])[];
}

function readMap(pid: number, name: string): number[][] {
  const lines = (readProcFile(`/proc/${pid}/${name}`) ?? "").trim().split("\n");
  return lines.map((line) => line.trim().split(/\s+/).map(Number));
}

/** 65534 for an id without a name in the container. */
function toInside(map: readonly (readonly number[])[], id: number): number {
  for (const [inside = 0, outside = 0, count = 0] of map) {
    if (id >= outside && id < outside + count) return inside + id - outside;
  }
  return 65534;
}

function readProcess(pid: number, uptime: number, maps: Maps): ContainerProcess | undefined {
  const stat = readProcFile(`/proc/${pid}/stat`);
  const statusText = readProcFile(`/proc/${pid}/status`);
  if (stat === undefined || statusText === undefined) return undefined;
  const close = stat.lastIndexOf(")");
  const fields = stat.slice(close + 2).split(" ");
  const number = (index: number) => Number(fields[index] ?? 0);
  const status = new Map(statusText.split("\n").map((line) => line.split(/:\s*/, 2) as [string, string]));
  const innermost = (key: string) => Number((status.get(key) ?? "0").split(/\s+/).at(-1));
  const hostUid = Number((status.get("Uid") ?? "0").split(/\s+/)[1]);
  const hostGid = Number((status.get("Gid") ?? "0").split(/\s+/)[1]);
  const command = readProcFile(`/proc/${pid}/cmdline`) ?? "";
  return {
    hostPid: pid,
    pid: innermost("NSpid"),
    ppid: number(1),
    pgid: innermost("NSpgid"),
    session: innermost("NSsid"),
    uid: toInside(maps.uid, hostUid),
    gid: toInside(maps.gid, hostGid),
    hostUid,
    hostGid,
    state: fields[0] ?? "?",
    nice: number(16),
    ttyNumber: number(4),
    threads: number(17),
    vsizeKb: Math.floor(number(20) / 1024),
    rssKb: number(21) * PAGE_KB,
    cpuTime: (number(11) + number(12)) / TICKS,
    elapsed: Math.max(0, uptime - number(19) / TICKS),
    comm: stat.slice(stat.indexOf("(") + 1, close),
    args: command === "" ? [] : command.replace(/\0$/, "").split("\0"),
    status,
  };
}
