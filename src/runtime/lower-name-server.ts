/** The name server of the networks with names, inside the shared network. */
import type { NameServerPlan } from "../state/index.ts";
import { O } from "./kernel.ts";
import { lowerKeep } from "./lower-keep.ts";
import { TOLERATE } from "./plan/ops.ts";
import { type PlanBuilder, SLOT } from "./plan-builder.ts";

/** Nothing of it is a reason not to start: neighbours are in /etc/hosts as well, and the uplink has a name server. */
export function lowerNameServer(plan: PlanBuilder, names: NameServerPlan, cgroup: number): void {
  const { lock, directory, leftover, argv, env, capabilities, filters, settings } = names;
  const options = { origin: "name server", tolerate: TOLERATE.any };
  plan.add("monitor", "netfilter", { batch: filters, otherwise: new Uint8Array() }, options);
  plan.add(
    "monitor",
    "openPath",
    { path: "/proc/sys/net", flags: O.PATH | O.DIRECTORY, into: SLOT.fd },
    options,
  );
  for (const [path, data] of settings)
    plan.add("monitor", "writeAt", { root: SLOT.fd, path, resolve: 0n, data }, options);
  lowerKeep(plan, "monitor", { lock, directory, leftover, argv, env, capabilities, cgroup }, options);
}
