/** How a container is now, from its monitor's files. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { containerDir, readIfExists, writeFileAtomic } from "../host/index.ts";
import { liveState } from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import type { ContainerStatus, ContainerView } from "./view.ts";

/** Says that somebody asked the container to end, and how: `stop` or `kill`. */
const ASKED = "asked-to-end";

/** The record with its present state. */
export function viewOf(ctx: Context, record: ContainerRecord): ContainerView {
  return { record, status: statusOf(ctx, record) };
}

/** A container whose monitor was killed is healed on the way (runtime's liveState). */
export function statusOf(ctx: Context, record: ContainerRecord): ContainerStatus {
  const live = liveState(ctx, record.id);
  const asked = readIfExists(join(containerDir(ctx.paths, record.id), ASKED));
  const stoppedByUser = asked !== undefined;
  const none = {
    pid: 0,
    monitorPid: 0,
    startedAt: undefined,
    finishedAt: undefined,
    exitCode: 0,
    oomKilled: false,
    stoppedByUser,
  };
  switch (live.state) {
    case "running":
      return {
        ...none,
        state: asked === "stop" ? "stopping" : "running",
        pid: live.init.pid,
        monitorPid: live.monitor.pid,
        startedAt: live.started,
      };
    case "exited":
      return {
        ...none,
        state: "exited",
        startedAt: live.exit.started,
        finishedAt: live.exit.finished,
        exitCode: live.exit.code,
        oomKilled: live.exit.oom,
      };
    default:
      return { ...none, state: "created" };
  }
}

/** Writes down who wants the container's end, before it is asked for. */
export function markAsked(ctx: Context, id: string, how: "stop" | "kill"): void {
  const directory = containerDir(ctx.paths, id);
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) return;
  writeFileAtomic(join(directory, ASKED), how);
}

/** Path of that note, which every start removes. */
export function askedPath(ctx: Context, id: string): string {
  return join(containerDir(ctx.paths, id), ASKED);
}
