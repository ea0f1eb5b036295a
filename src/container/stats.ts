/** What a container uses: its control group's counters, and /proc for what the group does not count. */
import { totalmem } from "node:os";
import { dirname, join } from "node:path";
import { readIfExists, readProcFile } from "../host/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { cgroupOf } from "./cgroup-note.ts";
import { groupPids, namespacePids, type PidIndex, pidIndex, processUsage } from "./processes.ts";
import { statusOf } from "./status.ts";
import { isRunning } from "./view.ts";

export interface UsageSample {
  /** Nanoseconds of all processes together. */
  readonly cpuNs: number;
  readonly cpuSystemNs: number;
  readonly memory: number;
  readonly memoryLimit: number;
  readonly pids: number;
  readonly blockRead: number;
  readonly blockWritten: number;
  readonly network: readonly InterfaceSample[];
  /** Nanoseconds since the epoch, and since the container's start. */
  readonly timeNs: number;
  readonly upNs: number;
}

export interface InterfaceSample {
  readonly name: string;
  readonly received: number;
  readonly sent: number;
}

const NOTHING: UsageSample = {
  cpuNs: 0,
  cpuSystemNs: 0,
  memory: 0,
  memoryLimit: 0,
  pids: 0,
  blockRead: 0,
  blockWritten: 0,
  network: [],
  timeNs: 0,
  upNs: 0,
};

/**
 * One sample of each container; of one that does not run all zero. /proc is walked once for all, and only where
 * a control group does not count.
 */
export function sampleUsage(ctx: Context, records: readonly ContainerRecord[]): UsageSample[] {
  let index: PidIndex | undefined;
  const processes = () => (index ??= pidIndex());
  const controllers = controllersByParent();
  return records.map((record) => sampleOne(ctx, record, { processes, controllers }));
}

/** What samples taken together look up once. */
interface Shared {
  processes(): PidIndex;
  /** The controllers that count in a group. */
  controllers(group: string): ReadonlySet<string>;
}

/** Siblings have the same controllers; asking for the files of one that is not there costs more than reading them. */
function controllersByParent(): Shared["controllers"] {
  const known = new Map<string, ReadonlySet<string>>();
  return (group) => {
    const parent = dirname(group);
    const found =
      known.get(parent) ?? new Set((readIfExists(join(group, "cgroup.controllers")) ?? "").trim().split(" "));
    known.set(parent, found);
    return found;
  };
}

function sampleOne(ctx: Context, record: ContainerRecord, shared: Shared): UsageSample {
  const status = statusOf(ctx, record);
  if (!isRunning(status)) return { ...NOTHING, timeNs: Date.now() * 1e6 };
  const group = cgroupOf(ctx, record.id);
  const counted = group === undefined ? {} : readGroup(group.path, shared.controllers(group.path));
  const needsProc = counted.cpuNs === undefined || counted.memory === undefined || counted.pids === undefined;
  const members = () =>
    (group && groupPids(group.processes)) ?? namespacePids(shared.processes(), status.pid);
  const used = needsProc ? processUsage(members()) : undefined;
  return {
    cpuNs: counted.cpuNs ?? used?.cpuNs ?? 0,
    cpuSystemNs: counted.cpuSystemNs ?? used?.cpuSystemNs ?? 0,
    memory: counted.memory ?? used?.memory ?? 0,
    memoryLimit: Math.min(counted.memoryLimit ?? Number.POSITIVE_INFINITY, totalmem()),
    pids: counted.pids ?? used?.pids ?? 0,
    blockRead: counted.blockRead ?? used?.blockRead ?? 0,
    blockWritten: counted.blockWritten ?? used?.blockWritten ?? 0,
    network: record.config.network.mode === "host" ? [] : readInterfaces(status.pid),
    timeNs: Date.now() * 1e6,
    upNs: Math.max(0, Date.now() - (status.startedAt ?? Date.now())) * 1e6,
  };
}

function readGroup(group: string, controllers: ReadonlySet<string>): Partial<UsageSample> {
  const read = (file: string) => {
    const controller = file.slice(0, file.indexOf("."));
    return controller === "cpu" || controllers.has(controller) ? readIfExists(join(group, file)) : undefined;
  };
  const cpu = keyed(read("cpu.stat"));
  const memory = read("memory.current");
  const limit = read("memory.max")?.trim();
  const pids = read("pids.current");
  const io = read("io.stat");
  return {
    ...(cpu.has("usage_usec")
      ? { cpuNs: cpu.get("usage_usec")! * 1e3, cpuSystemNs: (cpu.get("system_usec") ?? 0) * 1e3 }
      : {}),
    // As podman and docker: what could be given back at once is not counted.
    ...(memory === undefined
      ? {}
      : { memory: Math.max(0, Number(memory) - (keyed(read("memory.stat")).get("inactive_file") ?? 0)) }),
    ...(limit === undefined || limit === "max" ? {} : { memoryLimit: Number(limit) }),
    ...(pids === undefined ? {} : { pids: Number(pids) }),
    ...(io === undefined ? {} : { blockRead: ioSum(io, "rbytes"), blockWritten: ioSum(io, "wbytes") }),
  };
}

function keyed(text: string | undefined): Map<string, number> {
  const lines = (text ?? "").split("\n").map((line) => line.split(" "));
  return new Map(lines.map(([key = "", value]) => [key, Number(value)]));
}

function ioSum(text: string, key: string): number {
  const found = text.matchAll(new RegExp(`\\b${key}=(\\d+)`, "g"));
  return [...found].reduce((sum, match) => sum + Number(match[1]), 0);
}

function readInterfaces(pid: number): InterfaceSample[] {
  const lines = (readProcFile(`/proc/${pid}/net/dev`) ?? "").split("\n").slice(2);
  return lines.flatMap((line) => {
    const [name, rest] = line.split(":");
    const fields = (rest ?? "").trim().split(/\s+/).map(Number);
    const device = name?.trim() ?? "";
    return device === "" || device === "lo"
      ? []
      : [{ name: device, received: fields[0] ?? 0, sent: fields[8] ?? 0 }];
  });
}
