/** What a container uses: its control group's counters, and /proc for what the group does not count. */
import { totalmem } from "node:os";
import { dirname, join } from "node:path";
import { readIfExists, readProcFile } from "../host/index.ts";
import type { Context } from "../state/index.ts";
import { type ContainerCgroup, cgroupOf } from "./cgroup-note.ts";
import { groupPids, namespacePids, type PidIndex, pidIndex, processUsage, wordAfter } from "./processes.ts";
import { type ContainerView, isRunning } from "./view.ts";

/** What a share of processor time is counted from. */
export interface CpuSample {
  /** Nanoseconds of all processes together. */
  readonly cpuNs: number;
  /** Nanoseconds since the epoch. */
  readonly timeNs: number;
}

export interface UsageSample extends CpuSample {
  readonly cpuSystemNs: number;
  readonly memory: number;
  readonly memoryLimit: number;
  readonly pids: number;
  readonly blockRead: number;
  readonly blockWritten: number;
  readonly network: readonly InterfaceSample[];
  /** Nanoseconds since the container's start. */
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

/** Looks at the same containers again and again: what does not change meanwhile is found out once. */
export interface Sampler {
  /** One sample of each; of one that does not run all zero. */
  usage(views: readonly ContainerView[]): UsageSample[];
  /** Their processor time alone. */
  cpu(views: readonly ContainerView[]): CpuSample[];
}

export function usageSampler(ctx: Context): Sampler {
  const groups = new Map<string, ContainerCgroup | undefined>();
  const groupOf = ({ record, status }: ContainerView) => {
    const life = `${record.id} ${status.startedAt}`;
    if (!groups.has(life)) groups.set(life, cgroupOf(ctx, record.id));
    return groups.get(life);
  };
  const fixed = { groupOf, controllers: controllersByParent(), machineMemory: totalmem() };
  const look = (): Shared => {
    let index: PidIndex | undefined;
    return { ...fixed, processes: () => (index ??= pidIndex()) };
  };
  return {
    usage: (views) => {
      const shared = look();
      return views.map((view) => sampleOne(view, shared));
    },
    cpu: (views) => {
      const shared = look();
      return views.map((view) => sampleCpu(view, shared));
    },
  };
}

/** What samples of several containers look up once. */
interface Shared {
  groupOf(view: ContainerView): ContainerCgroup | undefined;
  /** The controllers that count in a group. */
  controllers(group: string): ReadonlySet<string>;
  /** Bytes. */
  readonly machineMemory: number;
  /** One walk over /proc for all, and only where a control group does not count. */
  processes(): PidIndex;
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

function sampleCpu(view: ContainerView, shared: Shared): CpuSample {
  if (!isRunning(view.status)) return nothing();
  const group = shared.groupOf(view);
  const counted = group === undefined ? {} : readCpu(group.path);
  if (counted.cpuNs !== undefined) return { cpuNs: counted.cpuNs, timeNs: Date.now() * 1e6 };
  return sampleOne(view, shared);
}

function sampleOne(view: ContainerView, shared: Shared): UsageSample {
  const { record, status } = view;
  if (!isRunning(status)) return nothing();
  const group = shared.groupOf(view);
  const counted = group === undefined ? {} : readGroup(group.path, shared.controllers(group.path));
  const needsProc = counted.cpuNs === undefined || counted.memory === undefined || counted.pids === undefined;
  const members = () =>
    (group && groupPids(group.processes)) ?? namespacePids(shared.processes(), status.pid);
  const used = needsProc ? processUsage(members()) : undefined;
  return {
    cpuNs: counted.cpuNs ?? used?.cpuNs ?? 0,
    cpuSystemNs: counted.cpuSystemNs ?? used?.cpuSystemNs ?? 0,
    memory: counted.memory ?? used?.memory ?? 0,
    memoryLimit: Math.min(counted.memoryLimit ?? Number.POSITIVE_INFINITY, shared.machineMemory),
    pids: counted.pids ?? used?.pids ?? 0,
    blockRead: counted.blockRead ?? used?.blockRead ?? 0,
    blockWritten: counted.blockWritten ?? used?.blockWritten ?? 0,
    network: UNCOUNTED.has(record.config.network.mode) ? [] : readInterfaces(status.pid),
    timeNs: Date.now() * 1e6,
    upNs: Math.max(0, Date.now() - (status.startedAt ?? Date.now())) * 1e6,
  };
}

/** The host's interfaces are not the container's; without a network there is none but its own loopback. */
const UNCOUNTED: ReadonlySet<string> = new Set(["host", "none"]);

function nothing(): UsageSample {
  return { ...NOTHING, timeNs: Date.now() * 1e6 };
}

function readCpu(group: string): Partial<UsageSample> {
  const cpu = readIfExists(join(group, "cpu.stat")) ?? "";
  const used = wordAfter(cpu, "usage_usec ");
  return used === undefined
    ? {}
    : { cpuNs: Number(used) * 1e3, cpuSystemNs: Number(wordAfter(cpu, "system_usec ") ?? 0) * 1e3 };
}

function readGroup(group: string, controllers: ReadonlySet<string>): Partial<UsageSample> {
  const read = (file: string) =>
    controllers.has(file.slice(0, file.indexOf("."))) ? readIfExists(join(group, file)) : undefined;
  const memory = read("memory.current");
  const limit = read("memory.max")?.trim();
  const pids = read("pids.current");
  const io = read("io.stat");
  return {
    ...readCpu(group),
    // As podman and docker: what could be given back at once is not counted.
    ...(memory === undefined
      ? {}
      : {
          memory: Math.max(
            0,
            Number(memory) - Number(wordAfter(read("memory.stat") ?? "", "inactive_file ") ?? 0),
          ),
        }),
    ...(limit === undefined || limit === "max" ? {} : { memoryLimit: Number(limit) }),
    ...(pids === undefined ? {} : { pids: Number(pids) }),
    ...(io === undefined ? {} : { blockRead: ioSum(io, "rbytes="), blockWritten: ioSum(io, "wbytes=") }),
  };
}

/** A word for each device. */
function ioSum(text: string, key: string): number {
  let sum = 0;
  for (const word of text.split(/\s+/)) if (word.startsWith(key)) sum += Number(word.slice(key.length));
  return sum;
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
