/** Plans that change networks while containers run: they enter the shared network, do their work and end. */
import type { IdMaps, Paths } from "../host/index.ts";
import type { NetworkPlan } from "../state/index.ts";
import { CLONE } from "./kernel.ts";
import { lowerBase } from "./lower-base.ts";
import type { ProcessIdentity } from "./lower-exec.ts";
import { lowerInterfaces, lowerSharedNetwork, lowerSharedSlots, lowerTap } from "./lower-network.ts";
import { type Plan, TOLERATE } from "./plan/ops.ts";
import { PlanBuilder, SLOT } from "./plan-builder.ts";

export interface NetworkChangeInput {
  readonly paths: Paths;
  readonly maps: IdMaps;
  readonly network: NetworkPlan;
  readonly onFailure: { readonly argv: readonly string[]; readonly env: readonly string[] };
}

function begin(input: NetworkChangeInput): PlanBuilder {
  const plan = new PlanBuilder();
  plan.add("config", "onFailure", input.onFailure);
  lowerBase(plan, { ...input, holders: input.network.holders });
  lowerSharedNetwork(plan, input.network, undefined);
  lowerSharedSlots(plan); // what we do is short: the others wait, and need not find us
  return plan;
}

/** Gives a running container the plan's interfaces; takes `remove` away first. */
export function lowerConnect(
  input: NetworkChangeInput,
  init: ProcessIdentity,
  remove: readonly string[] = [],
): Plan {
  const plan = begin(input);
  const origin = "the container's first process";
  plan.add("monitor", "openPid", { ...init, into: SLOT.holder }, { origin });
  plan.add("setup", "joinPid", { slot: SLOT.holder, namespaces: CLONE.NEWNET }, { origin });
  if (remove.length > 0) {
    plan.add("setup", "openNetlink", { into: SLOT.ownNetlink }, { origin });
    for (const name of remove) {
      // The kernel says ENODEV for what is gone already.
      plan.add(
        "setup",
        "linkRemove",
        { socket: SLOT.ownNetlink, name },
        { origin, tolerate: TOLERATE.unsupported },
      );
    }
  }
  lowerInterfaces(plan, input.network.interfaces);
  return plan.build();
}

/** Makes what the plan's bridges and uplink lack. */
export function lowerReload(input: NetworkChangeInput): Plan {
  const plan = begin(input);
  // The program may have been installed after the namespace was made.
  if (input.network.uplink?.tap !== undefined) lowerTap(plan, "monitor", input.network.uplink.tap);
  return plan.build();
}

/** Removes a bridge that has no containers any more, and what kept it apart. */
export function lowerRemoveBridge(input: NetworkChangeInput, bridge: string, filters: Uint8Array): Plan {
  const plan = begin(input);
  const origin = `network ${bridge}`;
  plan.add(
    "monitor",
    "linkRemove",
    { socket: SLOT.netlink, name: bridge },
    { origin, tolerate: TOLERATE.unsupported },
  );
  plan.add(
    "monitor",
    "netfilter",
    { batch: filters, otherwise: new Uint8Array() },
    { origin, tolerate: TOLERATE.missing },
  );
  return plan.build();
}
