/** How a container is now, from its monitor's files. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { containerDir, containerRunDir, readIfExists, readNote, writeNote } from "../host/index.ts";
import { liveState } from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { cgroupOf } from "./cgroup-note.ts";
import { healthState } from "./health.ts";
import type { ContainerStatus, ContainerView } from "./view.ts";

/** Says that somebody asked the container to end, and how: `stop` or `kill`. */
const ASKED = "asked-to-end";

/** podman's number for a container whose time was over; as an exit status it is 255. */
const TIMED_OUT = -1;

/** The record with its present state. */
export function viewOf(ctx: Context, record: ContainerRecord): ContainerView {
  return { record, status: statusOf(ctx, record) };
}

/** A container whose monitor was killed is healed on the way (runtime's liveState). */
export function statusOf(ctx: Context, record: ContainerRecord): ContainerStatus {
  const live = liveState(ctx, record.id);
  const asked = readNote(askedPath(ctx, record.id));
  const stoppedByUser = asked !== undefined;
  const none = {
    pid: 0,
    monitorPid: 0,
    startedAt: undefined,
    finishedAt: undefined,
    exitCode: 0,
    oomKilled: false,
    stoppedByUser,
    restarts: 0,
    health: "" as const,
  };
  switch (live.state) {
    case "running": {
      const process = { ...none, pid: live.init.pid, monitorPid: live.monitor.pid };
      if (live.held) return { ...process, state: "initialized" };
      const health = healthState(ctx, record);
      const isStopping = asked === "stop" || health?.isStopping === true;
      const state = runningState(ctx, record.id, isStopping, live.pause !== undefined);
      return {
        ...process,
        state,
        startedAt: live.started,
        finishedAt: live.pause?.finished,
        exitCode: live.pause?.code ?? 0,
        restarts: live.restarts,
        health: health?.status ?? "",
      };
    }
    case "exited":
      return {
        ...none,
        state: "exited",
        startedAt: live.exit.started || undefined,
        finishedAt: live.exit.finished,
        exitCode: live.exit.timedOut ? TIMED_OUT : live.exit.code,
        oomKilled: live.exit.oom,
        restarts: live.exit.restarts,
      };
    default:
      return { ...none, state: "created" };
  }
}

function runningState(
  ctx: Context,
  id: string,
  isStopping: boolean,
  betweenLives: boolean,
): ContainerStatus["state"] {
  if (isPaused(ctx, id)) return "paused";
  if (isStopping) return "stopping";
  return betweenLives ? "restarting" : "running";
}

/** The note is `pause`'s; the group says whether it still holds (a container's end leaves the note behind). */
function isPaused(ctx: Context, id: string): boolean {
  if (!existsSync(pausedPath(ctx, id))) return false;
  const group = cgroupOf(ctx, id);
  return group !== undefined && readIfExists(join(group.path, "cgroup.freeze"))?.trim() === "1";
}

/** The note that a container is paused; every start removes it. */
export function pausedPath(ctx: Context, id: string): string {
  return join(containerRunDir(ctx.paths, id), "paused");
}

/** Writes down who wants the container's end, before it is asked for. */
export function markAsked(ctx: Context, id: string, how: "stop" | "kill"): void {
  const directory = containerDir(ctx.paths, id);
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) return;
  writeNote(askedPath(ctx, id), how);
}

/** Path of that note, which every start removes. */
export function askedPath(ctx: Context, id: string): string {
  return join(containerDir(ctx.paths, id), ASKED);
}
