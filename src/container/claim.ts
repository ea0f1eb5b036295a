/** One start of a container at a time. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConflictError, errnoCode } from "../base/index.ts";
import { containerDir, isAlive, processStart, readIfExists, writeFileAtomic } from "../host/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { statusOf } from "./status.ts";
import { isLive, isRunning } from "./view.ts";

/**
 * One start at a time: the file names the process that makes it, which becomes the client (or ends when the container
 * is up). A dead process's claim is void.
 */
export function claimStart(ctx: Context, record: ContainerRecord): void {
  const status = statusOf(ctx, record);
  if (isLive(status)) {
    throw new ConflictError(
      "already-running",
      `container ${record.id} is already ${isRunning(status) ? "running" : "initialized"}: container state improper`,
    );
  }
  const path = starterPath(ctx, record.id);
  const own = thisStarter();
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(path, own, { flag: "wx", mode: 0o600 });
      return;
    } catch (error) {
      if (errnoCode(error) !== "EEXIST" || attempt > 3) throw error;
    }
    const other = readIfExists(path);
    if (other === own) return;
    if (isPresent(other) && statusOf(ctx, record).state === "created") {
      throw new ConflictError(
        "being-started",
        `container ${record.id} is being started by another process: container state improper`,
      );
    }
    // Replaced, not removed: without the file a --rm container that is being restarted would count as gone.
    writeFileAtomic(path, own, { mode: 0o600 });
  }
}

/** Says of a container that runs that this process will start it again after its end. */
export function claimRestart(ctx: Context, { id }: ContainerRecord): void {
  writeFileAtomic(starterPath(ctx, id), thisStarter(), { mode: 0o600 });
}

/** Whether the process that made the claim, if there is one, still is at it. */
export function isClaimed(ctx: Context, id: string): boolean {
  return isPresent(readIfExists(starterPath(ctx, id)));
}

function starterPath(ctx: Context, id: string): string {
  return join(containerDir(ctx.paths, id), "starter");
}

function thisStarter(): string {
  return `${process.pid} ${processStart(process.pid) ?? 0}`;
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
  return isLive(statusOf(ctx, record)) || isClaimed(ctx, id) ? record : undefined;
}
