/** The shared network namespace, the bridges in it, and a container's interfaces. */
import type {
  BridgePlan,
  InterfacePlan,
  LinkAddress,
  LinkRoute,
  NetworkPlan,
  PublishPlan,
  TapPlan,
} from "../state/index.ts";
import { O } from "./kernel.ts";
import { type CgroupConfig, lowerSharedCgroup } from "./lower-cgroup.ts";
import { lowerKeep } from "./lower-keep.ts";
import { lowerNameServer } from "./lower-name-server.ts";
import { NO_SLOT, TOLERATE } from "./plan/ops.ts";
import { type PlanBuilder, SLOT } from "./plan-builder.ts";

const ORIGIN = "shared network";
const FAMILY = { inet: 2, inet6: 10 } as const;
const ROUTE = { unicast: 1, local: 2 } as const;
const MAIN_TABLE = 254;
/** The answers to what monitors send in their clients' names carry this mark, and a table of their own leads them home. */
const ANSWERS = { mark: 1, table: 100, priority: 100 } as const;
/**
 * Settings of a new shared namespace, beneath /proc/sys/net. Those that are `default` are for interfaces to come, and written at
 * once: for others the kernel spins until it has the lock of all links, which the removal of another namespace may hold for
 * milliseconds. What a monitor sends to a container is never far from being read, and megabytes that wait for it have left the
 * processor's cache by then (bench/README.md).
 */
const SETTINGS: readonly (readonly [string, string])[] = [
  ["ipv4/tcp_wmem", "4096 16384 2097152"],
  ["ipv4/conf/default/forwarding", "1"],
  ["ipv6/conf/default/accept_dad", "0"],
  ["ipv6/conf/default/accept_ra", "0"],
];
/** IPv6 knows this one for all interfaces only. */
const IPV6_FORWARDING = ["ipv6/conf/all/forwarding", "1"] as const;
const IPV6_OFF = "ipv6/conf/default/disable_ipv6";
const NOTHING = new Uint8Array();
/** A program that has not said by then that it works has failed. */
const UPLINK_TIMEOUT_MS = 10_000;

const PROTOCOL = { tcp: 6, udp: 17 } as const;

/** First of all: a port in use is an error before anything is made. */
export function lowerPorts(plan: PlanBuilder, ports: readonly PublishPlan[]): void {
  for (const { protocol, optional, ...port } of ports) {
    plan.add(
      "launch",
      "publish",
      { protocol: PROTOCOL[protocol], ...port },
      { origin: "--publish", tolerate: optional ? TOLERATE.unsupported : TOLERATE.none },
    );
  }
}

/** Before anything of the container: the namespace its monitor is in, shared or its own. */
export function lowerNetwork(
  plan: PlanBuilder,
  network: NetworkPlan | undefined,
  cgroup: CgroupConfig | undefined,
): void {
  if (network === undefined) return;
  if (network.own) lowerOwnNetwork(plan, network);
  else lowerSharedNetwork(plan, network, cgroup);
}

/** What `setup` needs of it; made again for every first process. */
export function lowerNetworkSlots(plan: PlanBuilder, network: NetworkPlan | undefined): void {
  if (network !== undefined && !network.own) lowerSharedSlots(plan);
}

/** A namespace for this container alone, and the program that connects it, which is waited for. */
function lowerOwnNetwork(plan: PlanBuilder, network: NetworkPlan): void {
  lowerUplink(plan, network, NO_SLOT);
  const origin = "--network";
  plan.add("netbase", "linkUp", { name: "lo" }, { origin });
  openSettings(plan, "netbase", origin);
  // Nobody else has the address: there is nothing to wait for.
  writeSetting(plan, "netbase", ["ipv6/conf/default/accept_dad", "0"], origin);
  plan.add("monitor", "awaitKept", { timeoutMs: UPLINK_TIMEOUT_MS }, { origin });
}

/** The namespace, where it is new, and the bridges. */
export function lowerSharedNetwork(
  plan: PlanBuilder,
  network: NetworkPlan,
  cgroup: CgroupConfig | undefined,
): void {
  const { uplink, names } = network;
  const group = uplink === undefined && names === undefined ? NO_SLOT : lowerSharedCgroup(plan, cgroup);
  lowerUplink(plan, network, group);
  lowerNamespace(plan, network);
  if (network.uplink?.tap !== undefined) lowerTap(plan, "netbase", network.uplink.tap);
  plan.add("monitor", "openNetlink", { into: SLOT.netlink }, { origin: ORIGIN });
  for (const bridge of network.bridges) lowerBridge(plan, bridge);
  if (names !== undefined) lowerNameServer(plan, names, group);
}

/** The other ends of the container's interfaces go where these lead. */
export function lowerSharedSlots(plan: PlanBuilder): void {
  const origin = ORIGIN;
  plan.add("monitor", "openNetlink", { into: SLOT.netlink }, { origin });
  const path = "/proc/self/ns/net";
  plan.add("monitor", "openPath", { path, flags: 0, into: SLOT.sharedNet }, { origin });
}

function lowerUplink(plan: PlanBuilder, { uplink }: NetworkPlan, cgroup: number): void {
  if (uplink === undefined) return;
  const { lock, argv, env, failed } = uplink;
  const program = { lock, argv, env, onDemand: uplink.onDemand ? 1 : 0, failed, cgroup };
  lowerKeep(plan, "uplink", program, { origin: ORIGIN });
}

/** The uplink's interface, at which nobody listens yet. @param stage `monitor`: where it may be there already */
export function lowerTap(plan: PlanBuilder, stage: "netbase" | "monitor", tap: TapPlan): void {
  const { device, name, mtu, addresses, routes, settings } = tap;
  const tolerate = stage === "monitor" ? TOLERATE.any : TOLERATE.none;
  const options = { origin: `uplink ${name}`, tolerate };
  const socket = SLOT.netlink;
  plan.add(stage, "tapAdd", { socket, device, name, mtu }, options);
  plan.add(stage, "openPath", { path: "/proc/sys/net", flags: O.PATH | O.DIRECTORY, into: SLOT.fd }, options);
  // A kernel without IPv6 has none of its settings, addresses and routes.
  for (const [path, data] of settings)
    plan.add(
      stage,
      "writeAt",
      { root: SLOT.fd, path, resolve: 0n, data },
      { ...options, tolerate: tolerate | TOLERATE.missing },
    );
  for (const address of addresses) {
    const six = address.address.length === 16 ? TOLERATE.unsupported | TOLERATE.denied : TOLERATE.none;
    plan.add(
      stage,
      "addressAdd",
      { socket, link: name, ...addressArgs(address) },
      { ...options, tolerate: tolerate | six },
    );
  }
  for (const { gateway, ...route } of routes) {
    const six = gateway.length === 16;
    plan.add(
      stage,
      "routeAdd",
      {
        socket,
        link: name,
        family: six ? FAMILY.inet6 : FAMILY.inet,
        gateway,
        ...route,
        table: MAIN_TABLE,
        type: ROUTE.unicast,
      },
      { ...options, tolerate: six ? TOLERATE.any : tolerate },
    );
  }
}

function lowerNamespace(plan: PlanBuilder, { filters }: NetworkPlan): void {
  const origin = ORIGIN;
  plan.add("netbase", "linkUp", { name: "lo" }, { origin });
  openSettings(plan, "netbase", origin);
  for (const setting of SETTINGS) writeSetting(plan, "netbase", setting, origin);
  const [batch = NOTHING, otherwise = NOTHING] = filters;
  plan.add("netbase", "netfilter", { batch, otherwise }, { origin });
  plan.add("netbase", "openNetlink", { into: SLOT.netlink }, { origin });
  const socket = SLOT.netlink;
  for (const family of [FAMILY.inet, FAMILY.inet6]) {
    // A kernel without IPv6 has no rules for it.
    const tolerate = family === FAMILY.inet6 ? TOLERATE.unsupported : TOLERATE.none;
    plan.add("netbase", "ruleAdd", { socket, family, ...ANSWERS }, { origin, tolerate });
    const route = { destination: NOTHING, prefix: 0, gateway: NOTHING, metric: 0 };
    plan.add(
      "netbase",
      "routeAdd",
      { socket, link: "lo", family, ...route, table: ANSWERS.table, type: ROUTE.local },
      { origin, tolerate },
    );
  }
}

type Stage = "netbase" | "monitor" | "setup";

function openSettings(plan: PlanBuilder, stage: Stage, origin: string): void {
  const args = { path: "/proc/sys/net", flags: O.PATH | O.DIRECTORY, into: SLOT.fd };
  plan.add(stage, "openPath", args, { origin });
}

/** After `openSettings`. A kernel without IPv6 has none of its settings. */
function writeSetting(
  plan: PlanBuilder,
  stage: Stage,
  [path, data]: readonly [string, string],
  origin: string,
): void {
  const args = { root: SLOT.fd, path, resolve: 0n, data };
  plan.add(stage, "writeAt", args, { origin, tolerate: TOLERATE.missing });
}

/** The first container of a network makes its bridge; the others find it. */
function lowerBridge(plan: PlanBuilder, { name, mac, mtu, addresses, filters }: BridgePlan): void {
  const options = { origin: `network ${name}`, tolerate: TOLERATE.exists };
  const socket = SLOT.netlink;
  if (addresses.some(({ address }) => address.length === 16)) {
    openSettings(plan, "monitor", options.origin);
    writeSetting(plan, "monitor", IPV6_FORWARDING, options.origin);
  }
  plan.add("monitor", "bridgeAdd", { socket, name, mac, mtu }, options);
  for (const address of addresses) {
    plan.add("monitor", "addressAdd", { socket, link: name, ...addressArgs(address) }, options);
  }
  if (filters !== undefined)
    plan.add("monitor", "netfilter", { batch: filters, otherwise: NOTHING }, options);
}

function addressArgs({ address, prefix, broadcast }: LinkAddress) {
  return { address, prefix, broadcast: broadcast ?? NOTHING };
}

/** In the container's own namespace; the other ends go to the bridges. */
export function lowerInterfaces(plan: PlanBuilder, interfaces: readonly InterfacePlan[]): void {
  if (interfaces.length === 0) return;
  const origin = "--network";
  plan.add("setup", "openNetlink", { into: SLOT.ownNetlink }, { origin });
  openSettings(plan, "setup", origin);
  for (const entry of interfaces) lowerInterface(plan, entry);
  plan.add("setup", "closeSlot", { slot: SLOT.ownNetlink }, { origin });
}

function lowerInterface(plan: PlanBuilder, entry: InterfacePlan): void {
  const { name, peer, bridge, mac, mtu, addresses, routes, ipv6 } = entry;
  const origin = `--network (${name})`;
  const socket = SLOT.ownNetlink;
  const veth = { socket, name, mac, mtu, peerNs: SLOT.sharedNet, peerName: peer };
  // The kernel takes its time with the network of a life that has just ended; its monitor may be starting the next.
  const former = { socket: SLOT.netlink, name: peer };
  plan.add("setup", "linkRemove", former, { origin, tolerate: TOLERATE.unsupported });
  if (!ipv6) writeSetting(plan, "setup", [IPV6_OFF, "1"], origin);
  plan.add("setup", "vethAdd", veth, { origin });
  if (!ipv6) writeSetting(plan, "setup", [IPV6_OFF, "0"], origin);
  plan.add("setup", "linkSet", { socket: SLOT.netlink, name: peer, master: bridge }, { origin });
  // Nobody is to give a container an address or a route by an advertisement.
  if (ipv6) writeSetting(plan, "setup", [`ipv6/conf/${name}/accept_ra`, "0"], origin);
  for (const address of addresses) {
    plan.add("setup", "addressAdd", { socket, link: name, ...addressArgs(address) }, { origin });
  }
  plan.add("setup", "linkSet", { socket, name, master: "" }, { origin });
  for (const route of routes) lowerRoute(plan, name, route, origin);
}

function lowerRoute(plan: PlanBuilder, link: string, route: LinkRoute, origin: string): void {
  const family = route.gateway.length === 16 ? FAMILY.inet6 : FAMILY.inet;
  plan.add(
    "setup",
    "routeAdd",
    { socket: SLOT.ownNetlink, link, family, ...route, table: MAIN_TABLE, type: ROUTE.unicast },
    { origin },
  );
}
