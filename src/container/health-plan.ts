/** The processes of a container's health checks. */
import type { RuntimeSpec } from "../oci/index.ts";
import { type HealthPlan, makeExecProcess, type ResolvedUser, type RuntimeFacts } from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { checkCommand, isActive } from "./config-health.ts";
import { eventPlan } from "./event-plan.ts";
import { healthFiles } from "./health.ts";

/** A check is a process as `exec` makes it: same user, directory, limits and filter, but no terminal. */
export function healthPlan(
  ctx: Context,
  record: ContainerRecord,
  spec: RuntimeSpec,
  facts: RuntimeFacts,
): HealthPlan | undefined {
  const { config } = record;
  const { health } = config;
  if (!isActive(health)) return undefined;
  const { uid, gid, additionalGids = [] } = spec.process.user;
  const user: ResolvedUser = { uid, gid, groups: additionalGids, home: "" };
  const processOf = (test: readonly string[]) =>
    makeExecProcess(
      spec,
      config,
      { args: checkCommand(test), env: [], user, tty: false, privileged: false },
      facts,
    );
  return {
    config: health,
    process: processOf(health.test),
    ...(health.startup === undefined ? {} : { startup: processOf(health.startup.test) }),
    ...healthFiles(ctx, record),
    stopTimeout: config.stopTimeout,
    events: eventPlan(ctx, record),
  };
}
