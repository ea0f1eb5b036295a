/** What a container's files say about its life. Cheap: `ps` asks for every container. */
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  bootId,
  containerDir,
  containerRunDir,
  goneDir,
  isAlive,
  liveDir,
  netDir,
  type Paths,
  readIfExists,
  writeFileAtomic,
} from "../host/index.ts";

/** Times are milliseconds since the epoch. */
export interface ExitRecord {
  readonly code: number;
  /** 0: it ended by itself. */
  readonly signal: number;
  readonly oom: boolean;
  /** 0: it ended, made ready by `init`, before it was started. */
  readonly started: number;
  readonly finished: number;
  /** How often its monitor started it again. */
  readonly restarts: number;
  /** It was killed because its time (--timeout) was over. */
  readonly timedOut: boolean;
}

/** The status file of a monitor. */
export interface LiveStatus {
  readonly monitor: { readonly pid: number; readonly start: bigint };
  readonly init: { readonly pid: number; readonly start: bigint };
  readonly started: number;
  readonly boot: string;
  readonly restarts: number;
  /** Made ready by `init`: its command has not run yet, and it has no start. */
  readonly held: boolean;
  /** How the last process ended, while the monitor pauses before it starts the next: there is no process then. */
  readonly pause: { readonly code: number; readonly finished: number } | undefined;
}

/**
 * `starting`: a plan was written a moment ago and no monitor has reported yet; `lost`: the machine went
 * down under it, or its start was cut short; `gone`: it was a --rm container and exists no more.
 */
export type LiveState =
  | { readonly state: "created" }
  | { readonly state: "starting" }
  | ({ readonly state: "running" } & LiveStatus)
  | { readonly state: "exited"; readonly exit: ExitRecord; readonly lost: boolean }
  | { readonly state: "gone" };

/** Exit code of a container that nobody saw end. */
const LOST_CODE = 255;
/** What a start may take between its plan and its status file. */
const START_GRACE_MS = 10_000;

/**
 * The state by the table in ARCHITECTURE.md. A container that died with its monitor gets its exit file
 * here, code 137; nothing else is written, so that a start under way is never disturbed.
 */
export function liveState(ctx: { readonly paths: Paths }, id: string): LiveState {
  const { paths } = ctx;
  if (statSync(join(goneDir(paths), id), { throwIfNoEntry: false }) !== undefined) return { state: "gone" };
  const status = readStatus(paths, id);
  if (status !== undefined && isLive(status)) return { state: "running", ...status };
  const dir = containerDir(paths, id);
  const exit = readExit(dir);
  if (exit !== undefined) return { state: "exited", exit, lost: false };
  if (status !== undefined && status.boot === bootId()) {
    forgetHolder(paths, status.monitor);
    return { state: "exited", exit: healExit(dir, status), lost: false };
  }
  return withoutExit(dir, status);
}

function withoutExit(dir: string, status: LiveStatus | undefined): LiveState {
  const plan = statSync(join(dir, "plan"), { throwIfNoEntry: false });
  if (plan === undefined) return { state: "created" };
  const age = Date.now() - plan.mtimeMs;
  // A file's time has fractions of a millisecond that the clock's reading lacks.
  if (status === undefined && age > -1000 && age < START_GRACE_MS) return { state: "starting" };
  const started = status?.started ?? plan.mtimeMs;
  return {
    state: "exited",
    lost: true,
    exit: {
      code: LOST_CODE,
      signal: 0,
      oom: false,
      started,
      finished: started,
      restarts: status?.restarts ?? 0,
      timedOut: false,
    },
  };
}

function isLive(status: LiveStatus): boolean {
  return status.boot === bootId() && isAlive(status.monitor.pid, status.monitor.start);
}

/** The status file as its monitor wrote it, alive or not. */
export function readStatus(paths: Paths, id: string): LiveStatus | undefined {
  const words = parseLines(readIfExists(join(containerRunDir(paths, id), "status")));
  const monitor = process(words.get("monitor"));
  const init = process(words.get("init"));
  if (monitor === undefined || init === undefined) return undefined;
  const code = words.get("code")?.[0];
  return {
    monitor,
    init,
    started: milliseconds(words.get("started")),
    boot: words.get("boot")?.[0] ?? "",
    restarts: Number(words.get("restarts")?.[0] ?? 0),
    held: words.has("held"),
    pause:
      code === undefined ? undefined : { code: Number(code), finished: milliseconds(words.get("finished")) },
  };
}

/** The exit file of a container's directory, if it has ended. */
export function readExit(dir: string): ExitRecord | undefined {
  const words = parseLines(readIfExists(join(dir, "exit")));
  const code = words.get("code")?.[0];
  if (code === undefined) return undefined;
  return {
    code: Number(code),
    signal: Number(words.get("signal")?.[0] ?? 0),
    oom: words.get("oom")?.[0] === "1",
    started: milliseconds(words.get("started")),
    finished: milliseconds(words.get("finished")),
    restarts: Number(words.get("restarts")?.[0] ?? 0),
    timedOut: words.get("timeout")?.[0] === "1",
  };
}

/** Takes away the entries by which a monitor that was killed could be found. */
export function forgetHolder(paths: Paths, { pid, start }: LiveStatus["monitor"]): void {
  for (const dir of [liveDir(paths), netDir(paths)]) rmSync(join(dir, `${pid}-${start}`), { force: true });
}

/** Writes down the end that the monitor could not: it was killed, and the kernel killed its container with it. */
export function healExit(dir: string, status: LiveStatus): ExitRecord {
  const exit: ExitRecord = {
    code: 137,
    signal: 9,
    oom: false,
    started: status.started,
    finished: Date.now(),
    restarts: status.restarts,
    timedOut: false,
  };
  const lines = [
    `code ${exit.code}`,
    `signal ${exit.signal}`,
    "oom 0",
    `started ${seconds(exit.started)}`,
    `finished ${seconds(exit.finished)}`,
    `restarts ${exit.restarts}`,
  ];
  writeFileAtomic(join(dir, "exit"), `${lines.join("\n")}\n`);
  return exit;
}

function parseLines(text: string | undefined): Map<string, string[]> {
  const words = new Map<string, string[]>();
  for (const line of (text ?? "").split("\n")) {
    const [key = "", ...values] = line.split(" ");
    if (key !== "") words.set(key, values);
  }
  return words;
}

function process(values: readonly string[] | undefined): { pid: number; start: bigint } | undefined {
  const [pid, start] = values ?? [];
  if (pid === undefined || start === undefined || !/^\d+$/.test(pid) || !/^\d+$/.test(start))
    return undefined;
  return { pid: Number(pid), start: BigInt(start) };
}

function milliseconds(values: readonly string[] | undefined): number {
  const [sec = "0", nsec = "0"] = values ?? [];
  return Number(sec) * 1000 + Number(nsec) / 1e6;
}

function seconds(ms: number): string {
  return `${Math.floor(ms / 1000)} ${Math.floor((ms % 1000) * 1e6)}`;
}
