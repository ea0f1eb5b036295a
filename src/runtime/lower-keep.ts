/** Programs that run as long as somebody is in a network (native/PLAN.md, "A keeper"). */
import type { OpArgs } from "./plan/ops.ts";
import type { OpOptions, PlanBuilder } from "./plan-builder.ts";

/** One that ends is started again: at once if it lived that long, else after pauses that become longer. */
const AGAIN = { pauseMs: 50, pauseMaxMs: 10_000, stableMs: 5_000 } as const;
const EVERY_CAPABILITY = (1n << 64n) - 1n;
const NOTHING = {
  capabilities: EVERY_CAPABILITY,
  onDemand: 0,
  failed: "",
  directory: "",
  leftover: "",
} as const;

type Needed = Pick<OpArgs<"keep">, "lock" | "argv" | "env" | "cgroup">;

/** @param stage `uplink`: it sits outside of the network and connects that; `monitor`: inside, and serves it */
export function lowerKeep(
  plan: PlanBuilder,
  stage: "uplink" | "monitor",
  program: Needed & Partial<OpArgs<"keep">>,
  options: OpOptions,
): void {
  const { lock, argv, env, cgroup, ...rest } = program;
  const outside = stage === "uplink" ? 1 : 0;
  plan.add(stage, "keep", { lock, argv, env, outside, ...NOTHING, ...rest, ...AGAIN, cgroup }, options);
}
