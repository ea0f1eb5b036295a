/** Limits as flags say them, as files of a version 2 control group. */
import { statSync } from "node:fs";
import { parseSize, UsageError } from "../base/index.ts";

/** One write to a file of the container's group. */
export interface CgroupSetting {
  /** Empty for files that every group has. */
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  /** The flag it comes from. */
  readonly origin: string;
  /** A default of ours, left out where the kernel has no such file. */
  readonly optional?: boolean;
}

/** Values by flag name (`memory`, `cpus`, …), as the record keeps them; lists are joined by newlines. */
export type Limits = Readonly<Record<string, number | string>>;

const CPU_PERIOD = 100_000;

/**
 * @throws {UsageError} for values that contradict each other or are no limit
 */
export function cgroupSettings(limits: Limits): CgroupSetting[] {
  return [...memorySettings(limits), ...cpuSettings(limits), ...ioSettings(limits), ...ownSettings(limits)];
}

function memorySettings(limits: Limits): CgroupSetting[] {
  const result: CgroupSetting[] = [];
  const memory = number(limits, "memory");
  const reservation = number(limits, "memory-reservation");
  const add = (file: string, value: string, origin: string) =>
    result.push({ controller: "memory", file, value, origin });
  if (memory !== undefined) add("memory.max", String(memory), "--memory");
  if (reservation !== undefined) add("memory.low", String(reservation), "--memory-reservation");
  const swap = limits["memory-swap"];
  if (swap === undefined) {
    // podman's default: as much swap as memory.
    if (memory !== undefined)
      result.push({
        controller: "memory",
        file: "memory.swap.max",
        value: String(memory),
        origin: "--memory",
        optional: true,
      });
  } else add("memory.swap.max", swapValue(String(swap), memory), "--memory-swap");
  const pids = number(limits, "pids-limit");
  if (pids !== undefined)
    result.push({
      controller: "pids",
      file: "pids.max",
      value: pids <= 0 ? "max" : String(pids),
      origin: "--pids-limit",
    });
  return result;
}

/** The flag counts memory and swap together, the kernel swap alone. */
function swapValue(text: string, memory: number | undefined): string {
  if (text === "-1") return "max";
  const both = /^\d+$/.test(text) ? Number(text) : parseSize(text);
  if (memory === undefined)
    throw new UsageError(
      "invalid-limit",
      "cannot set --memory-swap: it limits memory and swap together, so --memory has to be set as well",
    );
  if (both < memory)
    throw new UsageError(
      "invalid-limit",
      "minimum memoryswap limit should be larger than memory limit, see usage",
    );
  return String(both - memory);
}

function cpuSettings(limits: Limits): CgroupSetting[] {
  const result = cpuTime(limits);
  const shares = number(limits, "cpu-shares");
  if (shares !== undefined && shares > 0) {
    const value = String(cpuWeight(shares));
    result.push({ controller: "cpu", file: "cpu.weight", value, origin: "--cpu-shares" });
  }
  for (const word of ["cpus", "mems"] as const) {
    const list = limits[`cpuset-${word}`];
    if (list === undefined) continue;
    const origin = `--cpuset-${word}`;
    result.push({ controller: "cpuset", file: `cpuset.${word}`, value: String(list), origin });
  }
  return result;
}

function cpuTime(limits: Limits): CgroupSetting[] {
  const [quota, period] = [number(limits, "cpu-quota"), number(limits, "cpu-period")];
  const max = (value: string, origin: string) => [{ controller: "cpu", file: "cpu.max", value, origin }];
  if (limits.cpus !== undefined) {
    const cpus = Number(limits.cpus);
    if (!(cpus > 0)) throw new UsageError("invalid-limit", `invalid value ${limits.cpus} for --cpus`);
    const other = (["cpu-period", "cpu-quota"] as const).find((flag) => limits[flag] !== undefined);
    if (other !== undefined)
      throw new UsageError("conflicting-flags", `--${other} and --cpus cannot be set together`);
    return max(`${Math.round(cpus * CPU_PERIOD)} ${CPU_PERIOD}`, "--cpus");
  }
  if (quota === undefined && period === undefined) return [];
  const most = quota === undefined || quota < 0 ? "max" : String(quota);
  return max(`${most} ${period ?? CPU_PERIOD}`, quota === undefined ? "--cpu-period" : "--cpu-quota");
}

/** The specification's conversion of version 1 shares (2 to 262144) to weights (1 to 10000). */
export function cpuWeight(shares: number): number {
  const bounded = Math.min(Math.max(shares, 2), 262_144);
  return 1 + Math.floor(((bounded - 2) * 9999) / 262_142);
}

const RATES: readonly (readonly [string, string])[] = [
  ["device-read-bps", "rbps"],
  ["device-write-bps", "wbps"],
  ["device-read-iops", "riops"],
  ["device-write-iops", "wiops"],
];

function ioSettings(limits: Limits): CgroupSetting[] {
  const result: CgroupSetting[] = [];
  const weight = number(limits, "blkio-weight");
  const add = (file: string, value: string, origin: string) =>
    result.push({ controller: "io", file, value, origin });
  if (weight !== undefined && weight > 0) {
    if (weight < 10 || weight > 1000)
      throw new UsageError("invalid-limit", "range of blkio weight is from 10 to 1000");
    // The files' range is 1 to 10000; 10 to 1000 is what version 1 had.
    add("io.weight", `default ${1 + Math.floor(((weight - 10) * 9999) / 990)}`, "--blkio-weight");
  }
  for (const [device, value] of pairs(limits, "blkio-weight-device"))
    add("io.weight", `${deviceNumber(device)} ${value}`, "--blkio-weight-device");
  for (const [flag, key] of RATES) {
    for (const [device, value] of pairs(limits, flag)) {
      const rate = key.endsWith("bps") ? parseSize(value) : Number(value);
      add("io.max", `${deviceNumber(device)} ${key}=${rate}`, `--${flag}`);
    }
  }
  return result;
}

/** --cgroup-conf: any file of a controller, never another directory's and none that moves or ends processes. */
function ownSettings(limits: Limits): CgroupSetting[] {
  return words(limits, "cgroup-conf").map((word) => {
    const equals = word.indexOf("=");
    const file = word.slice(0, equals);
    if (equals < 1 || !/^[a-z0-9_]+(\.[A-Za-z0-9_]+)+$/.test(file) || /^cgroup\.(?!max\.)/.test(file))
      throw new UsageError(
        "invalid-limit",
        `invalid --cgroup-conf ${JSON.stringify(word)}: must be FILE=VALUE`,
      );
    return {
      controller: file.startsWith("cgroup.") ? "" : file.split(".")[0]!,
      file,
      value: word.slice(equals + 1),
      origin: `--cgroup-conf ${file}`,
    };
  });
}

function pairs(limits: Limits, flag: string): [string, string][] {
  return words(limits, flag).map((word) => {
    const colon = word.lastIndexOf(":");
    if (colon < 1) throw new UsageError("invalid-limit", `bad format: ${word}: must be DEVICE:VALUE`);
    return [word.slice(0, colon), word.slice(colon + 1)];
  });
}

function deviceNumber(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isBlockDevice() !== true)
    throw new UsageError("invalid-limit", `cannot limit ${path}: not a block device`);
  const { rdev } = found;
  const major = ((rdev >> 8) & 0xfff) | (Math.floor(rdev / 2 ** 32) & ~0xfff);
  const minor = (rdev & 0xff) | ((rdev >> 12) & 0xfff00);
  return `${major}:${minor}`;
}

function words(limits: Limits, flag: string): string[] {
  return String(limits[flag] ?? "")
    .split("\n")
    .filter(Boolean);
}

function number(limits: Limits, name: string): number | undefined {
  return limits[name] === undefined ? undefined : Number(limits[name]);
}
