/** A container as it is now: what the database says joined with how it lives. */
import type { HealthStatus } from "../runtime/index.ts";
import type { ContainerRecord } from "../state/index.ts";

export type ContainerState =
  | "created"
  | "initialized"
  | "running"
  | "paused"
  | "restarting"
  | "stopping"
  | "exited";

export interface ContainerStatus {
  readonly state: ContainerState;
  /** Pid of the first process on the host; 0 if there is none. */
  readonly pid: number;
  readonly monitorPid: number;
  /** Milliseconds since the epoch; undefined: never started (or never ended). */
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Somebody asked it to end with `stop` or `kill`. */
  readonly stoppedByUser: boolean;
  /** How often its monitor has started it again, by --restart. */
  readonly restarts: number;
  /** What its health check says while it runs; empty: it has none. */
  readonly health: HealthStatus | "";
}

export interface ContainerView {
  readonly record: ContainerRecord;
  readonly status: ContainerStatus;
}

/** It has a monitor: it runs, or `init` has made it ready to. What it was given (addresses, ports, mounts) is its own. */
export function isLive({ state }: ContainerStatus): boolean {
  return state !== "created" && state !== "exited";
}

/** Running, whatever is about to happen to it; also between two of its lives, when it has no process. */
export function isRunning(status: ContainerStatus): boolean {
  return isLive(status) && status.state !== "initialized";
}
