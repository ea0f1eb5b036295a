/** Where the plan of a start is written: for holdfast, for whoever explains a failure, and never with a secret on the disk. */
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { containerDir, containerRunDir, ensureDir } from "../host/index.ts";
import { decodePlan, type Plan, writePlan } from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";

/**
 * Writes it, without the environment where that is secret. The plan of one that is only held stays in the runtime
 * directory until it starts: a container whose plan is on the disk and that has no end was running when the machine went down.
 *
 * @returns the file that holdfast is to read
 */
export function writePlans(
  ctx: Context,
  { id, config }: ContainerRecord,
  plan: Plan,
  { isSecret, isHeld }: { readonly isSecret: boolean; readonly isHeld: boolean },
): string {
  const shown = isSecret ? withoutEnvironment(plan) : plan;
  if (isHeld) rmSync(diskPlan(ctx, id), { force: true });
  else writePlan(diskPlan(ctx, id), shown);
  if (isSecret || isHeld) writePlan(secretPlanPath(ctx, id), plan);
  else rmSync(secretPlanPath(ctx, id), { force: true });
  if (config.autoRemove) copyPlan(ctx, id, shown);
  return isSecret || isHeld ? secretPlanPath(ctx, id) : diskPlan(ctx, id);
}

/** The plan that says what went wrong, if something does. */
export function planForFailure(ctx: Context, { id, config }: ContainerRecord, isHeld = false): string {
  if (isHeld) return secretPlanPath(ctx, id);
  return config.autoRemove ? planCopy(ctx, id) : diskPlan(ctx, id);
}

/** A container that was held is about to start. */
export function keepHeldPlan(ctx: Context, id: string): void {
  const plan = decodePlan(readFileSync(secretPlanPath(ctx, id)));
  if (plan !== undefined) writePlan(diskPlan(ctx, id), withoutEnvironment(plan));
}

function diskPlan(ctx: Context, id: string): string {
  return join(containerDir(ctx.paths, id), "plan");
}

/** In the runtime directory, which is memory. */
export function secretPlanPath(ctx: Context, id: string): string {
  return join(containerRunDir(ctx.paths, id), "start.plan");
}

function withoutEnvironment(plan: Plan): Plan {
  const ops = plan.ops.map((op) => (op.op === "execve" ? { ...op, args: { ...op.args, env: [] } } : op));
  return { ...plan, ops };
}

/** holdfast reads a plan at once; `__failed` reads the copy as fast. */
const COPY_AGE_MS = 10_000;

function planCopy(ctx: Context, id: string): string {
  return join(ctx.paths.runtime, "plans", id);
}

/** A failed start with --rm takes the container's directory with it, before anybody can read the plan there. */
function copyPlan(ctx: Context, id: string, plan: Plan): void {
  const directory = join(ctx.paths.runtime, "plans");
  ensureDir(directory);
  for (const name of readdirSync(directory)) {
    const found = statSync(join(directory, name), { throwIfNoEntry: false });
    if (found !== undefined && Math.abs(Date.now() - found.mtimeMs) > COPY_AGE_MS)
      rmSync(join(directory, name), { force: true });
  }
  writePlan(planCopy(ctx, id), plan);
}
