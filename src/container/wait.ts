/** Waiting for containers to end, or to reach another state. */
import { ConflictError, UsageError } from "../base/index.ts";
import { waitForProcess } from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { isActive } from "./config-health.ts";
import { healthWord } from "./health.ts";
import { statusOf } from "./status.ts";
import { socketPath } from "./stop.ts";
import { isLive } from "./view.ts";

export const WAIT_CONDITIONS = [
  "configured",
  "created",
  "exited",
  "healthy",
  "initialized",
  "paused",
  "removing",
  "running",
  "stopped",
  "stopping",
  "unhealthy",
] as const;

const HEALTH = new Set(["healthy", "unhealthy"]);
const ENDED = new Set(["exited", "stopped", "removing"]);

export function checkConditions(words: readonly string[]): void {
  const unknown = words.find((word) => !(WAIT_CONDITIONS as readonly string[]).includes(word));
  if (unknown !== undefined) {
    throw new UsageError("invalid-condition", `unknown container state: ${unknown}: invalid argument`, {
      hint: `Conditions: ${WAIT_CONDITIONS.join(", ")}.`,
    });
  }
}

/**
 * Resolves to the exit code when one of the conditions holds (-1 while it runs); without any, when the container does not run.
 * A container with --rm may be gone by then: its code is the monitor's last word.
 */
export async function waitForContainer(
  ctx: Context,
  record: ContainerRecord,
  conditions: readonly string[],
  intervalMs: number,
): Promise<number> {
  if (conditions.length > 0 && !conditions.every((condition) => ENDED.has(condition))) {
    return waitForFirst(ctx, [record], conditions, intervalMs);
  }
  const status = statusOf(ctx, record);
  if (!isLive(status)) return status.exitCode;
  const result = await waitForProcess(socketPath(ctx, record.id));
  return result.kind === "exited" ? result.code : statusOf(ctx, record).exitCode;
}

/** The same for whichever of them is the first. */
export async function waitForFirst(
  ctx: Context,
  records: readonly ContainerRecord[],
  conditions: readonly string[],
  intervalMs: number,
): Promise<number> {
  const wanted = conditions.length === 0 ? [...ENDED] : conditions;
  for (;;) {
    for (const record of records) {
      const code = reached(ctx, record, wanted);
      if (code !== undefined) return code;
      if (ctx.state.containers.get(record.id) === undefined) throw ctx.state.containers.missing(record.name);
      if (wanted.every((condition) => HEALTH.has(condition))) checkHealthCanCome(ctx, record);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(10, intervalMs)));
  }
}

/** A script that waits for health must not wait for ever: nobody checks what has no check, or has ended. */
function checkHealthCanCome(ctx: Context, record: ContainerRecord): void {
  if (!isActive(record.config.health))
    throw new ConflictError(
      "no-healthcheck",
      `cannot wait for health: container ${record.name} has no healthcheck`,
      {
        hint: "give it one with --health-cmd, or HEALTHCHECK in the image's Containerfile",
      },
    );
  const { state, exitCode } = statusOf(ctx, record);
  if (state === "exited")
    throw new ConflictError(
      "not-running",
      `container ${record.name} is not running: it ended with status ${exitCode} and its health is checked no more`,
      { hint: "its log has its last words" },
    );
}

/** The exit code (-1 while it runs) if one of the conditions holds now. */
function reached(ctx: Context, record: ContainerRecord, conditions: readonly string[]): number | undefined {
  const status = statusOf(ctx, record);
  const names: string[] = [
    status.state,
    ...(status.state === "exited" ? ["stopped"] : []),
    ...(status.state === "running" ? [status.health] : []),
    // With --health-on-failure stop it has ended by the time somebody looks.
    ...(status.state === "exited" && healthWord(ctx, record) === "unhealthy" ? ["unhealthy"] : []),
    ...(status.state === "created" ? ["configured"] : []),
  ];
  if (!conditions.some((condition) => names.includes(condition))) return undefined;
  return isLive(status) ? -1 : status.exitCode;
}
