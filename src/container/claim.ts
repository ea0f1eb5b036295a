/** One start of a container at a time, and none while it is being removed. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ConflictError } from "../base/index.ts";
import {
  containerDir,
  ensureDir,
  isAlive,
  lockHolder,
  processStart,
  readIfExists,
  writeFileAtomic,
} from "../host/index.ts";
import { livesElsewhere, readExit } from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { statusOf } from "./status.ts";
import { isLive, isRunning } from "./view.ts";

/**
 * One start at a time: the file names the process that makes it, which becomes the client (or ends when the container
 * is up), and the life that the start comes after. A dead process's claim is void, and so is one that a life has come of.
 * Call it in a transaction, as whoever removes a container looks for claims in one.
 *
 * @throws {ConflictError} if it runs, or somebody else starts it
 * @throws {NotFoundError} if it has been removed
 */
export function claimStart(ctx: Context, record: ContainerRecord): void {
  if (!ctx.state.containers.has(record.id)) throw ctx.state.containers.missing(record.name);
  const others = othersUse(ctx, record);
  if (others === "live") {
    const status = statusOf(ctx, record);
    throw new ConflictError(
      "already-running",
      `container ${record.id} is already ${isRunning(status) ? "running" : "initialized"}: container state improper`,
    );
  }
  if (others === "starting") throw beingStarted(record);
  const monitor = strandedMonitor(ctx, record.id);
  if (monitor !== undefined) throw livesElsewhere(record.id, monitor);
  ensureDir(containerDir(ctx.paths, record.id));
  writeFileAtomic(starterPath(ctx, record.id), thisStarter(ctx, record.id), { mode: 0o600 });
}

/**
 * The monitor that lives though the runtime directory knows nothing of it, because somebody removed that: the system,
 * with the last session of a user who does not linger, or whoever tidies /tmp. It still has its claim (native/PLAN.md).
 */
export function strandedMonitor(ctx: Context, id: string): number | undefined {
  const directory = containerDir(ctx.paths, id);
  const isLost = existsSync(join(directory, "plan")) && readExit(directory) === undefined;
  return isLost ? lockHolder(directory) : undefined;
}

/** Somebody else is at it. */
export function beingStarted({ id }: ContainerRecord): ConflictError {
  return new ConflictError(
    "being-started",
    `container ${id} is being started by another process: container state improper`,
  );
}

/** Whether the container has a monitor, or another process than this one is about to start it. */
export function othersUse(ctx: Context, record: ContainerRecord): "live" | "starting" | undefined {
  // First who starts it, then whether it runs: a starter that is gone by then has left a container that does.
  const claim = readIfExists(starterPath(ctx, record.id));
  const [pid, , before = ""] = (claim ?? "").split(" ");
  const byOther = isPresent(claim) && Number(pid) !== process.pid;
  if (isLive(statusOf(ctx, record))) return "live";
  return byOther && ["", before].includes(lastLife(ctx, record.id)) ? "starting" : undefined;
}

/** Says of a container that runs that this process will start it again after its end. */
export function claimRestart(ctx: Context, { id }: ContainerRecord): void {
  writeFileAtomic(starterPath(ctx, id), thisStarter(ctx, id), { mode: 0o600 });
}

/** Whether the process that made the claim, if there is one, still is at it. */
export function isClaimed(ctx: Context, id: string): boolean {
  return isPresent(readIfExists(starterPath(ctx, id)));
}

function starterPath(ctx: Context, id: string): string {
  return join(containerDir(ctx.paths, id), "starter");
}

function thisStarter(ctx: Context, id: string): string {
  return `${process.pid} ${processStart(process.pid) ?? 0} ${lastLife(ctx, id)}`;
}

/** Tells the lives of a container apart: when the last one ended; empty if none did, or the next is about to begin. */
function lastLife(ctx: Context, id: string): string {
  return String(readExit(containerDir(ctx.paths, id))?.finished ?? "");
}

function isPresent(starter = ""): boolean {
  const [pid = "", start = ""] = starter.split(" ");
  return /^\d+$/.test(pid) && /^\d+$/.test(start) && isAlive(Number(pid), BigInt(start));
}

/** Whether a container runs, could at once or is about to: what it was given (addresses, ports) is its own still. */
export function isInUse(ctx: Context, id: string): boolean {
  return recordInUse(ctx, id) !== undefined;
}

/** The record of one that does. */
export function recordInUse(ctx: Context, id: string): ContainerRecord | undefined {
  const record = ctx.state.containers.get(id);
  if (record === undefined) return undefined;
  return isClaimed(ctx, id) || isLive(statusOf(ctx, record)) ? record : undefined;
}
