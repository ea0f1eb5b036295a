/** One start of a container at a time. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConflictError, errnoCode } from "../base/index.ts";
import { containerDir, isAlive, processStart } from "../host/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { statusOf } from "./status.ts";
import { isRunning } from "./view.ts";

/**
 * One start at a time: the file names the process that makes it, which becomes the client (or ends when the container
 * is up). A dead process's claim is void.
 */
export function claimStart(ctx: Context, record: ContainerRecord, directory: string): void {
  if (isRunning(statusOf(ctx, record))) {
    throw new ConflictError(
      "already-running",
      `container ${record.id} is already running: container state improper`,
    );
  }
  const path = join(directory, "starter");
  const own = `${process.pid} ${processStart(process.pid) ?? 0}`;
  for (let attempt = 0; ; attempt++) {
    try {
      writeFileSync(path, own, { flag: "wx", mode: 0o600 });
      return;
    } catch (error) {
      if (errnoCode(error) !== "EEXIST" || attempt > 3) throw error;
    }
    if (isClaimed(path, own) && statusOf(ctx, record).state === "created") {
      throw new ConflictError(
        "being-started",
        `container ${record.id} is being started by another process: container state improper`,
      );
    }
    rmSync(path, { force: true });
  }
}

function isClaimed(path: string, own: string): boolean {
  try {
    const text = readFileSync(path, "utf8");
    const [pid = "", start = ""] = text.split(" ");
    return text !== own && /^\d+$/.test(pid) && /^\d+$/.test(start) && isAlive(Number(pid), BigInt(start));
  } catch {
    return false;
  }
}

/** Whether a container runs or is about to: what it was given (addresses, ports) is its own still. */
export function isInUse(ctx: Context, id: string): boolean {
  const record = ctx.state.containers.get(id);
  if (record === undefined) return false;
  return isRunning(statusOf(ctx, record)) || isClaimed(join(containerDir(ctx.paths, id), "starter"), "");
}
