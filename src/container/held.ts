/** A container that `init` has made ready: its first process waits for a word, and this gives it. */
import { join } from "node:path";
import { KelpError } from "../base/index.ts";
import { containerDir } from "../host/index.ts";
import { kelpCommand, startHeld } from "../runtime/index.ts";
import type { ContainerRecord, Context, SdNotifyMode } from "../state/index.ts";
import { helperEnvironment } from "./helper-env.ts";
import { isService } from "./service.ts";
import type { StartMode } from "./start-monitor.ts";
import { keepHeldPlan, secretPlanPath } from "./start-plans.ts";
import { statusOf } from "./status.ts";
import { socketPath, stopToRestart } from "./stop.ts";

/**
 * Whether a start has only to let it go. One that a service manager is to watch, or that gets sockets of its, is made
 * anew: then what is ready is ended here.
 */
export async function isReadyToStart(
  ctx: Context,
  record: ContainerRecord,
  sdnotify?: SdNotifyMode,
): Promise<boolean> {
  if (statusOf(ctx, record).state !== "initialized") return false;
  if (!isService(record, sdnotify)) return true;
  await stopToRestart(ctx, record, { seconds: 0 });
  return false;
}

/** Lets it go; one that runs already is left alone. @throws {KelpError} why its command cannot be executed */
export async function releaseHeld(ctx: Context, record: ContainerRecord): Promise<void> {
  const words = failureWords(ctx, record, "start");
  const result = await startHeld(socketPath(ctx, record.id));
  if (result.kind === "refused")
    throw new KelpError("monitor-refuses", `cannot start container ${record.name}: errno ${result.errno}`);
  if (result.kind !== "failed") return;
  const { explainFailedStart } = await import("./failed.ts");
  throw await explainFailedStart([...words, "exec", String(result.index), String(result.errno)]);
}

/** What a client of its monitor that lets it go executes should that fail. */
export function releaseFailure(
  ctx: Context,
  record: ContainerRecord,
): { readonly argv: readonly string[]; readonly env: readonly string[] } {
  return {
    argv: [...kelpCommand(), "__failed", ...failureWords(ctx, record, "run")],
    env: helperEnvironment(ctx),
  };
}

/** From here on it counts as started. What becomes of one with --rm is told before its directory goes. */
function failureWords(ctx: Context, { id, config }: ContainerRecord, mode: StartMode): string[] {
  keepHeldPlan(ctx, id);
  const plan = config.autoRemove ? secretPlanPath(ctx, id) : join(containerDir(ctx.paths, id), "plan");
  return [id, plan, ctx.paths.data, ctx.paths.runtime, mode];
}
