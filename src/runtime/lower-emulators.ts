/** Emulators for programs of other architectures, registered in an instance of binfmt_misc that belongs to the base's user namespace. */
import { ATTR, RESOLVE } from "./kernel.ts";
import { TOLERATE } from "./plan/ops.ts";
import { type PlanBuilder, SLOT } from "./plan-builder.ts";

/**
 * The mount is attached nowhere, and held by the monitor: with the last monitor that holds it the instance and all
 * that is registered in it are gone, and no container sees it. A kernel that gives users none (before Linux 6.7) lets the
 * start go on: the first process then fails with the reason.
 */
export function lowerEmulators(plan: PlanBuilder, rules: readonly string[]): void {
  if (rules.length === 0) return;
  const origin = "emulators";
  const attrs = ATTR.NOSUID | ATTR.NODEV | ATTR.NOEXEC;
  const mount = { type: "binfmt_misc", options: [], attrs, into: SLOT.tree };
  plan.add("monitor", "newMount", mount, { origin, tolerate: TOLERATE.denied | TOLERATE.unsupported });
  for (const data of rules) {
    const args = { root: SLOT.tree, path: "register", resolve: RESOLVE.BENEATH, data };
    // Another container's monitor has registered it.
    plan.add("monitor", "writeAt", args, { origin, tolerate: TOLERATE.exists });
  }
  plan.add("monitor", "hold", { slot: SLOT.tree }, { origin });
  plan.add("monitor", "closeSlot", { slot: SLOT.tree }, { origin });
}
