/** What a running container's monitor can be told anew: when it starts the container again, and how it checks its health. */
import { type LifeConfig, lowerLife } from "./lower-config.ts";
import { type HealthPlan, type LowerHealthInput, lowerHealth } from "./lower-health.ts";
import type { Plan, PlanOp } from "./plan/ops.ts";
import { PlanBuilder } from "./plan-builder.ts";

export interface Amendment {
  readonly life: LifeConfig;
  /** Absent: the checks stay as they are. Without a `plan` there are none any more. */
  readonly health?: LowerHealthInput & { readonly plan: HealthPlan | undefined };
}

/** The plan of a container that runs, with those parts replaced. Pure. */
export function amendPlan({ ops }: Plan, { life, health }: Amendment): Plan {
  const isReplaced = ({ op, stage }: PlanOp) =>
    op === "life" ||
    (health !== undefined &&
      (op === "health" || op === "startup" || stage === "check" || stage === "startup"));
  const plan = new PlanBuilder(ops.filter((op) => !isReplaced(op)));
  lowerLife(plan, life);
  if (health?.plan !== undefined) lowerHealth(plan, health.plan, health);
  return plan.build();
}
