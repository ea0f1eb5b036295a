/** A container's usage as a row of `stats`: podman's template fields, and podman's JSON. */
import { formatDuration, humanBinarySize, humanSize } from "../base/index.ts";
import type { CpuSample, UsageSample } from "../container/index.ts";
import type { ContainerRecord } from "../state/index.ts";

const NONE = "-- / --";
const ID_WIDTH = 12;

export interface StatsRowInput {
  readonly record: ContainerRecord;
  readonly sample: UsageSample;
  /** The one before, for what happened in between; absent: since the container's start. */
  readonly before?: CpuSample | undefined;
  readonly noTrunc: boolean;
}

/** The fields a --format template may name. */
export function statsRow({ record, sample, before, noTrunc }: StatsRowInput) {
  const cpu = before === undefined ? average(sample) : since(sample, before);
  const avg = average(sample);
  const share = sample.memoryLimit > 0 ? (100 * sample.memory) / sample.memoryLimit : 0;
  const network = sample.network.reduce(
    (sum, { received, sent }) => ({ received: sum.received + received, sent: sum.sent + sent }),
    { received: 0, sent: 0 },
  );
  const up = formatDuration(sample.cpuNs);
  return {
    ID: noTrunc ? record.id : record.id.slice(0, ID_WIDTH),
    ContainerID: record.id,
    Name: record.name,
    CPU: cpu,
    CPUPerc: `${cpu.toFixed(2)}%`,
    AvgCPU: avg,
    AVGCPU: `${avg.toFixed(2)}%`,
    CPUNano: sample.cpuNs,
    CPUSystemNano: sample.cpuSystemNs,
    SystemNano: sample.timeNs,
    Duration: sample.cpuNs,
    Up: up,
    UpTime: up,
    MemUsage: pair(sample.memory, sample.memoryLimit),
    MemUsageBytes: `${humanBinarySize(sample.memory)} / ${humanBinarySize(sample.memoryLimit)}`,
    MemLimit: sample.memoryLimit,
    MemPerc: `${share.toFixed(2)}%`,
    NetIO: sample.network.length === 0 ? NONE : pair(network.received, network.sent),
    BlockIO: pair(sample.blockRead, sample.blockWritten),
    BlockInput: sample.blockRead,
    BlockOutput: sample.blockWritten,
    PIDs: sample.pids,
    PIDS: String(sample.pids),
  };
}

export type StatsRow = ReturnType<typeof statsRow>;

/** podman's JSON of a row. */
export function statsJson(row: StatsRow) {
  return {
    id: row.ContainerID.slice(0, ID_WIDTH),
    name: row.Name,
    cpu_time: row.UpTime,
    cpu_percent: row.CPUPerc,
    avg_cpu: row.AVGCPU,
    mem_usage: row.MemUsage,
    mem_percent: row.MemPerc,
    net_io: row.NetIO,
    block_io: row.BlockIO,
    pids: row.PIDS,
  };
}

function average({ cpuNs, upNs }: UsageSample): number {
  return upNs > 0 ? (100 * cpuNs) / upNs : 0;
}

function since(now: UsageSample, before: CpuSample): number {
  const elapsed = now.timeNs - before.timeNs;
  return elapsed > 0 ? Math.max(0, (100 * (now.cpuNs - before.cpuNs)) / elapsed) : 0;
}

function pair(a: number, b: number): string {
  return `${humanSize(a)} / ${humanSize(b)}`;
}
