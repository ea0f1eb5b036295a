/** What the pure functions of this folder need to know about the process they run in and its kernel. */
import { existsSync, readFileSync } from "node:fs";
import { loadIdMaps } from "../host/index.ts";

export interface RuntimeFacts {
  readonly arch: "x86_64" | "aarch64";
  /** Highest capability number the kernel knows. */
  readonly lastCap: number;
  /** The user's own hard limits by `RLIMIT_` name; -1 is unlimited. */
  readonly hardLimits: Readonly<Record<string, number>>;
  readonly oomScoreAdj: number;
  /** The kernel mounts cgroup2 for us. */
  readonly cgroup2: boolean;
  /** The user has one id only: nobody may change groups then. */
  readonly singleId: boolean;
  /** The host has /dev/mqueue mounted. */
  readonly mqueue: boolean;
}

const LIMIT_NAMES: Readonly<Record<string, string>> = {
  "Max cpu time": "RLIMIT_CPU",
  "Max file size": "RLIMIT_FSIZE",
  "Max data size": "RLIMIT_DATA",
  "Max stack size": "RLIMIT_STACK",
  "Max core file size": "RLIMIT_CORE",
  "Max resident set": "RLIMIT_RSS",
  "Max processes": "RLIMIT_NPROC",
  "Max open files": "RLIMIT_NOFILE",
  "Max locked memory": "RLIMIT_MEMLOCK",
  "Max address space": "RLIMIT_AS",
  "Max file locks": "RLIMIT_LOCKS",
  "Max pending signals": "RLIMIT_SIGPENDING",
  "Max msgqueue size": "RLIMIT_MSGQUEUE",
  "Max nice priority": "RLIMIT_NICE",
  "Max realtime priority": "RLIMIT_RTPRIO",
  "Max realtime timeout": "RLIMIT_RTTIME",
};

/** Hard limits from the text of /proc/PID/limits. */
export function parseLimits(text: string): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const line of text.split("\n")) {
    const match = /^(Max [a-z ]+?)\s{2,}(\S+)\s+(\S+)/.exec(line);
    const name = match?.[1] === undefined ? undefined : LIMIT_NAMES[match[1]];
    if (name === undefined) continue;
    limits[name] = match![3] === "unlimited" ? -1 : Number(match![3]);
  }
  return limits;
}

/** Some small reads of /proc and of the user's subordinate ids; nothing is cached because limits belong to the calling process. */
export function runtimeFacts(): RuntimeFacts {
  return {
    arch: process.arch === "arm64" ? "aarch64" : "x86_64",
    lastCap: lastCapability(),
    hardLimits: parseLimits(read("/proc/self/limits", "")),
    oomScoreAdj: Number(read("/proc/self/oom_score_adj", "0")),
    cgroup2: read("/proc/filesystems", "").includes("\tcgroup2\n"),
    singleId: loadIdMaps().single,
    mqueue: existsSync("/dev/mqueue"),
  };
}

/** Highest capability number the kernel knows. */
export function lastCapability(): number {
  return Number(read("/proc/sys/kernel/cap_last_cap", "40"));
}

function read(path: string, fallback: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return fallback;
  }
}
