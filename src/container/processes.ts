/**
 * The processes of a container, read from the host's /proc. Nothing of the container is executed or loaded for it: a `ps`
 * inside could be the attacker's.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { readIfExists, readProcFile } from "../host/index.ts";

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

/**
 * Every process in the pid namespace of `init`, by pid. With --pid host that would be the machine's: then those
 * of the container's control group, or the first process alone.
 */
export function containerProcesses(init: number, cgroup?: string): ContainerProcess[] {
  const namespace = link(`/proc/${init}/ns/pid`);
  if (namespace === undefined) return [];
  const shared = namespace === link("/proc/self/ns/pid");
  const members = shared ? new Set(groupMembers(cgroup) ?? [String(init)]) : undefined;
  const uptime = Number((readProcFile("/proc/uptime") ?? "0").split(" ")[0]);
  const maps = { uid: readMap(init, "uid_map"), gid: readMap(init, "gid_map") };
  const pids = readdirSync("/proc").filter(
    (name) => members?.has(name) ?? (/^\d+$/.test(name) && link(`/proc/${name}/ns/pid`) === namespace),
  );
  const processes = pids
    .map((name) => readProcess(Number(name), uptime, maps))
    .filter((found) => found !== undefined);
  const inside = new Map(processes.map((found) => [found.hostPid, found.pid]));
  return processes
    .map((found) => ({ ...found, ppid: inside.get(found.ppid) ?? 0 }))
    .sort((a, b) => a.pid - b.pid);
}

function groupMembers(cgroup: string | undefined): string[] | undefined {
  const text = cgroup === undefined ? undefined : readIfExists(`${cgroup}/cgroup.procs`);
  return text?.split("\n").filter((word) => word !== "");
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

/** A process, and when it began, in clock ticks since the machine did. */
export interface StartedProcess {
  readonly pid: number;
  readonly start: string;
}

/**
 * The processes that `exec` and health checks brought into a container: its first process apart, they alone have a parent
 * outside of it (what its own leave behind gets the first process for a parent). Nobody writes them down: an exec pays nothing for being seen.
 *
 * @param group the container's processes are in, if there is one; else they are known by their mounts, which no other has
 */
export function broughtProcesses(init: number, group: string | undefined): StartedProcess[] {
  const pids = (group === undefined ? undefined : groupPids(group)) ?? sharingMounts(init);
  const members = new Set(pids);
  const found: StartedProcess[] = [];
  for (const pid of pids) {
    const fields = pid === init ? undefined : statFields(pid);
    const [state, parent, start] = [fields?.[0], fields?.[1], fields?.[19]];
    if (start !== undefined && state !== "Z" && !members.has(Number(parent))) found.push({ pid, start });
  }
  return found;
}

/** Those after the name, which may hold anything: the state is the first. */
function statFields(pid: number): string[] | undefined {
  const stat = readProcFile(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function sharingMounts(init: number): number[] {
  const mounts = link(`/proc/${init}/ns/mnt`);
  if (mounts === undefined) return [];
  const isMember = (name: string) => /^\d+$/.test(name) && link(`/proc/${name}/ns/mnt`) === mounts;
  return readdirSync("/proc").filter(isMember).map(Number);
}

/** The processes of this machine by the pid namespace they are in. */
export type PidIndex = ReadonlyMap<string, readonly number[]>;

/** One walk over /proc. Only processes of the same user can be seen into; a container's are. */
export function pidIndex(): PidIndex {
  const index = new Map<string, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const namespace = link(`/proc/${name}/ns/pid`);
    if (namespace === undefined) continue;
    const found = index.get(namespace);
    if (found === undefined) index.set(namespace, [Number(name)]);
    else found.push(Number(name));
  }
  return index;
}

export interface ProcessUsage {
  readonly cpuNs: number;
  readonly cpuSystemNs: number;
  readonly memory: number;
  readonly pids: number;
  readonly blockRead: number;
  readonly blockWritten: number;
}

/** The processes in the control group, if it can be read. */
export function groupPids(group: string): number[] | undefined {
  return groupMembers(group)?.map(Number);
}

/** The processes in the pid namespace of `init`. With --pid host its own cannot be told from the others: it stands for them. */
export function namespacePids(index: PidIndex, init: number): readonly number[] {
  const namespace = link(`/proc/${init}/ns/pid`);
  const shared = namespace === link("/proc/self/ns/pid");
  return namespace === undefined || shared ? [init] : (index.get(namespace) ?? []);
}

/** What follows a key at the beginning of a line, up to the line's end. */
export function wordAfter(text: string, key: string): string | undefined {
  const at = text.startsWith(key) ? 0 : text.indexOf(`\n${key}`) + 1;
  if (at === 0 && !text.startsWith(key)) return undefined;
  const end = text.indexOf("\n", at);
  return text.slice(at + key.length, end < 0 ? undefined : end);
}

/** Sums over processes; time of those that have ended counts once their parent has waited for them. */
export function processUsage(pids: readonly number[]): ProcessUsage {
  const total = { cpuNs: 0, cpuSystemNs: 0, memory: 0, pids: 0, blockRead: 0, blockWritten: 0 };
  for (const pid of pids) {
    const fields = statFields(pid);
    if (fields === undefined) continue;
    const ticks = (...places: number[]) => places.reduce((sum, place) => sum + Number(fields[place] ?? 0), 0);
    total.cpuNs += (ticks(11, 12, 13, 14) * 1e9) / TICKS;
    total.cpuSystemNs += (ticks(12, 14) * 1e9) / TICKS;
    total.memory += Number(fields[21] ?? 0) * PAGE_KB * 1024;
    total.pids += Number(fields[17] ?? 1);
    const io = readProcFile(`/proc/${pid}/io`) ?? "";
    total.blockRead += Number(wordAfter(io, "read_bytes: ") ?? 0);
    total.blockWritten += Number(wordAfter(io, "write_bytes: ") ?? 0);
  }
  return total;
}
