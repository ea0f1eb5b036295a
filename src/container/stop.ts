/** Ending a container: asked first, then forced. */
import { join } from "node:path";
import { ConflictError, log, NotFoundError } from "../base/index.ts";
import { containerRunDir } from "../host/index.ts";
import { MonitorClient, sendSignal, signalAndWait, waitForExit } from "../runtime/index.ts";
import { type ContainerRecord, type Context, writeContainerEvent } from "../state/index.ts";
import { claimRestart } from "./claim.ts";
import { refreshNeighboursSoon } from "./neighbours.ts";
import { membersOf } from "./network.ts";
import { signalName } from "./signal.ts";
import { markAsked, statusOf } from "./status.ts";
import { type ContainerStatus, isLive, isRunning } from "./view.ts";

const SIGKILL = 9;

/** The socket of a container's monitor. */
export function socketPath(ctx: Context, id: string): string {
  return join(containerRunDir(ctx.paths, id), "attach");
}

export interface StopRequest {
  /** Before SIGKILL; absent: the container's own; -1: never. */
  readonly seconds?: number | undefined;
  /** Instead of the container's own stop signal. */
  readonly signal?: number | undefined;
}

/**
 * Sends the stop signal, waits, sends SIGKILL. Resolves when the container has ended and, with --rm, is gone.
 * A container that does not run is left as it is.
 */
export async function stopContainer(
  ctx: Context,
  record: ContainerRecord,
  how: StopRequest = {},
): Promise<void> {
  const status = statusOf(ctx, record);
  if (!isLive(status)) return;
  await endContainer(ctx, record, status, how);
  writeContainerEvent(ctx, "stop", record);
  await refreshNeighboursSoon(
    ctx,
    membersOf(ctx, record).map(({ network }) => network),
  );
}

async function endContainer(
  ctx: Context,
  record: ContainerRecord,
  status: ContainerStatus,
  how: StopRequest,
): Promise<void> {
  const stopSignal = how.signal ?? record.config.stopSignal;
  const patience = how.seconds ?? record.config.stopTimeout;
  const path = socketPath(ctx, record.id);
  markAsked(ctx, record.id, "stop");
  // A frozen process hears no signal but SIGKILL, nor does one that waits to be started.
  if (patience !== 0 && status.state !== "paused" && status.state !== "initialized") {
    const result = await signalAndWait(
      path,
      stopSignal,
      patience < 0 || patience > 1e6 ? undefined : patience * 1000,
    );
    if (result.kind !== "timeout") return;
    log.warn(
      `StopSignal ${signalName(stopSignal)} failed to stop container ${record.name} in ${patience} seconds, resorting to SIGKILL`,
    );
  }
  await signalAndWait(path, SIGKILL);
}

/**
 * The same for a container that this process starts again: one with --rm is left there. Should we not live to start it,
 * its monitor removes it (it sees us go), or, once it has ended, whoever finds our claim void.
 *
 * @throws {NotFoundError} if it ended by itself before, and --rm removed it
 */
export async function stopToRestart(ctx: Context, record: ContainerRecord, how: StopRequest): Promise<void> {
  if (!record.config.autoRemove || !isLive(statusOf(ctx, record))) return stopContainer(ctx, record, how);
  claimRestart(ctx, record);
  const monitor = await MonitorClient.connect(socketPath(ctx, record.id));
  try {
    if ((await monitor?.keep()) !== true) {
      throw new NotFoundError(
        "no-such-container",
        `cannot restart ${record.name}: it has ended, and --rm removed it`,
      );
    }
    await stopContainer(ctx, record, how);
  } finally {
    monitor?.close();
  }
}

/**
 * Sends one signal.
 *
 * @throws {ConflictError} if the container does not run
 */
export async function killContainer(ctx: Context, record: ContainerRecord, signal: number): Promise<void> {
  const status = statusOf(ctx, record);
  if (!isRunning(status)) {
    throw new ConflictError(
      "not-running",
      `can only kill running containers. ${record.id} is in state ${status.state}: container state improper`,
    );
  }
  if (signal === SIGKILL || signal === record.config.stopSignal) markAsked(ctx, record.id, "kill");
  const path = socketPath(ctx, record.id);
  const result = await sendSignal(path, signal);
  if (result.kind === "refused") {
    throw new ConflictError("signal-refused", `cannot signal container ${record.id}: errno ${result.errno}`);
  }
  writeContainerEvent(ctx, "kill", record);
  // What was killed is dead when the command returns: nobody has to guess how long the kernel takes.
  if (signal === SIGKILL) await waitForExit(path, 5000);
}
