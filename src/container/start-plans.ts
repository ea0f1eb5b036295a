/** Where the plan of a start is written: for holdfast, for whoever explains a failure, and never with a secret on the disk. */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { containerDir, containerRunDir, ensureDir } from "../host/index.ts";
import { type Plan, writePlan } from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";

/** Writes it, without the environment where that `isSecret`. @returns the file that holdfast is to read */
export function writePlans(
  ctx: Context,
  { id, config }: ContainerRecord,
  plan: Plan,
  isSecret: boolean,
): string {
  const shown = isSecret ? withoutEnvironment(plan) : plan;
  const path = join(containerDir(ctx.paths, id), "plan");
  writePlan(path, shown);
  if (isSecret) writePlan(secretPlanPath(ctx, id), plan);
  if (config.autoRemove) copyPlan(ctx, id, shown);
  return isSecret ? secretPlanPath(ctx, id) : path;
}

/** The plan that says what went wrong, if something does. */
export function planForFailure(ctx: Context, { id, config }: ContainerRecord): string {
  return config.autoRemove ? planCopy(ctx, id) : join(containerDir(ctx.paths, id), "plan");
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
