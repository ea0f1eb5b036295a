/** Telling a running container's monitor of another restart policy or health check. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ConflictError, KelpError } from "../base/index.ts";
import { containerDir, containerRunDir } from "../host/index.ts";
import {
  AMENDED,
  type Amendment,
  amendMonitor,
  amendPlan,
  compiledSeccomp,
  decodePlan,
  type Plan,
  writePlan,
} from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { replacesUnhealthy } from "./config-health.ts";
import { healthPlan } from "./health-plan.ts";
import { runningSpec } from "./running-spec.ts";
import { ownStreams } from "./start-monitor.ts";
import { secretPlanPath } from "./start-plans.ts";
import { socketPath } from "./stop.ts";

/**
 * @param record as it has become
 * @param parts what has changed
 * @throws {ConflictError} for what only another start can change
 */
export async function amendRunning(
  ctx: Context,
  record: ContainerRecord,
  parts: { readonly restart: boolean; readonly health: boolean },
): Promise<void> {
  const { config, id, name } = record;
  const cannot = (flags: string, reason: string) =>
    new ConflictError("needs-restart", `cannot apply ${flags} to the running container ${name}: ${reason}`, {
      hint: config.autoRemove ? "make it with that option" : "stop it, change it, and start it again",
    });
  if (parts.restart && config.restart.policy !== "no" && ownStreams(config))
    throw cannot("--restart", `with --log-driver ${config.log.driver} its streams end with its process`);
  if (parts.health && config.runtime !== undefined)
    throw cannot("--health flags", `${config.runtime.name} carries out its health checks`);
  const plan = startedPlan(ctx, id);
  if (plan === undefined)
    throw cannot(parts.restart ? "--restart" : "--health flags", "another version of kelp started it");
  if (parts.health && replacesUnhealthy(config.health) && isThrownAway(plan))
    throw cannot("--health-on-failure restart", "it was made with --rm, and its files last for one process");
  const path = join(containerRunDir(ctx.paths, id), AMENDED);
  try {
    writePlan(path, amendPlan(plan, await amendment(ctx, record, parts.health)));
    const errno = await amendMonitor(socketPath(ctx, id), parts.health);
    // Whoever ended meanwhile is changed for the next start.
    if (errno !== undefined && errno !== 0)
      throw new KelpError(
        "monitor-refuses",
        `cannot change container ${name}: its monitor says errno ${errno}`,
      );
  } finally {
    rmSync(path, { force: true });
  }
}

/** The plan that it was started by: the one with its secret variables where it has any. */
function startedPlan(ctx: Context, id: string): Plan | undefined {
  const secret = secretPlanPath(ctx, id);
  return decodePlan(readFileSync(existsSync(secret) ? secret : join(containerDir(ctx.paths, id), "plan")));
}

/** Its layer is mounted in a way that allows for no second time. */
function isThrownAway({ ops }: Plan): boolean {
  return ops.some((op) => op.op === "overlay" && op.args.data.split(",").includes("volatile"));
}

async function amendment(ctx: Context, record: ContainerRecord, checks: boolean): Promise<Amendment> {
  const { config } = record;
  const life = { restart: config.restart, timeout: config.timeout };
  if (!checks) return { life };
  const { spec, facts } = await runningSpec(ctx, record);
  return {
    life,
    health: {
      plan: healthPlan(ctx, record, spec, facts),
      namespaces: spec.linux.namespaces,
      facts,
      seccomp: await compiledSeccomp(spec, config),
    },
  };
}
