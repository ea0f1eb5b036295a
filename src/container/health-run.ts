/** `healthcheck run`: a check asked for by somebody. */
import { ConflictError } from "../base/index.ts";
import { checkHealth, type HealthStatus, healthStatus } from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { isActive } from "./config-health.ts";
import { healthState } from "./health.ts";
import { statusOf } from "./status.ts";
import { socketPath } from "./stop.ts";

/**
 * Has the monitor run the check now.
 *
 * @returns what it says about this very check; undefined: it succeeded
 * @throws {ConflictError} if there is no check, or nothing runs
 */
export async function runHealthCheck(
  ctx: Context,
  record: ContainerRecord,
): Promise<Exclude<HealthStatus, "healthy"> | undefined> {
  const { health } = record.config;
  if (!isActive(health))
    throw new ConflictError("no-healthcheck", `container ${record.id} has no defined healthcheck`);
  const { state } = statusOf(ctx, record);
  if (state !== "running") throw new ConflictError("not-running", `container ${record.id} is not running`);
  const result = await checkHealth(socketPath(ctx, record.id));
  const status = result === undefined ? "stopped" : healthStatus(result.state);
  if (result === undefined || status === "stopped") return "stopped";
  if (result.exitCode === 0) return undefined;
  // Of failures before the start is over none is counted.
  const isCounted = (healthState(ctx, record)?.failing ?? 0) > 0;
  return status === "starting" && !isCounted ? "starting" : "unhealthy";
}
