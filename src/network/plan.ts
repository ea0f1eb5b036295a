/** From networks and endpoints to what a start has to make. */
import { netDir } from "../host/index.ts";
import type {
  BridgePlan,
  Context,
  Endpoint,
  InterfacePlan,
  LinkRoute,
  NetworkPlan,
  NetworkRecord,
  PortMapping,
} from "../state/index.ts";
import {
  addressBytes,
  contains,
  linkAddress,
  parseAddress,
  parseMac,
  parseSubnet,
  requireSubnet,
} from "./address.ts";
import { networkFilters } from "./filters.ts";
import { planNameServer } from "./name-server.ts";
import { isOn } from "./options.ts";
import { planPorts } from "./ports.ts";
import { FALLBACK_FILTERS, SHARED_FILTERS } from "./shared-filters.ts";
import { UPLINK_MTU, type Uplink } from "./uplink.ts";

export interface Membership {
  readonly network: NetworkRecord;
  readonly endpoint: Endpoint;
}

/** Pure but for paths of this machine. */
export function planNetwork(
  ctx: Context,
  members: readonly Membership[],
  uplink: Uplink,
  ports: readonly PortMapping[] = [],
): NetworkPlan {
  const names = planNameServer(ctx, members);
  return {
    holders: netDir(ctx.paths),
    filters: [Buffer.from(SHARED_FILTERS, "base64"), Buffer.from(FALLBACK_FILTERS, "base64")],
    ...(uplink.plan === undefined ? {} : { uplink: uplink.plan }),
    bridges: members.map(({ network }) => planBridge(network)),
    ...(names === undefined ? {} : { names }),
    interfaces: members.map((member, index) => planInterface(member, index)),
    ports: planPorts(ports, members),
  };
}

/** Its hardware address is fixed, or it would be that of whichever container came first. */
export function planBridge(network: NetworkRecord): BridgePlan {
  const id = Uint8Array.from(Buffer.from(network.id.slice(0, 8), "hex"));
  const filters = networkFilters(network);
  return {
    name: network.bridge,
    mac: Uint8Array.of(0x02, 0x6a, ...id),
    mtu: mtuOf(network),
    addresses: network.subnets.flatMap(({ subnet, gateway }) =>
      gateway === undefined ? [] : [linkAddress(gateway, subnet)],
    ),
    ...(filters === undefined ? {} : { filters }),
  };
}

export function mtuOf({ options }: NetworkRecord): number {
  return options.mtu === undefined ? UPLINK_MTU : Number(options.mtu);
}

/** @param index counts the container's networks: of several default routes the first network's is used */
export function planInterface({ network, endpoint }: Membership, index: number): InterfacePlan {
  const own = [endpoint.ip, endpoint.ip6].filter((address) => address !== undefined);
  return {
    name: endpoint.interfaceName,
    peer: peerName(endpoint),
    bridge: network.bridge,
    mac: parseMac(endpoint.mac)!,
    mtu: mtuOf(network),
    addresses: own.map((address) => {
      const parsed = parseAddress(address)!;
      const net = network.subnets.find(({ subnet }) => contains(requireSubnet(subnet), parsed))!;
      return linkAddress(address, net.subnet);
    }),
    routes: [...defaultRoutes(network, own, index), ...network.routes.map(toRoute)],
    ipv6: endpoint.ip6 !== undefined,
  };
}

/** Names of interfaces have 15 characters; the container's ID and the network's together say whose it is. */
export function peerName({ container, network }: Pick<Endpoint, "container" | "network">): string {
  return `v${container.slice(0, 10)}${network.slice(0, 4)}`;
}

function defaultRoutes(network: NetworkRecord, own: readonly string[], index: number): LinkRoute[] {
  if (network.internal || isOn(network.options.no_default_route)) return [];
  const families = new Set(own.map((address) => parseAddress(address)!.family));
  return network.subnets.flatMap(({ subnet, gateway }) => {
    const net = requireSubnet(subnet);
    if (gateway === undefined || !families.has(net.family)) return [];
    families.delete(net.family);
    return [
      {
        destination: new Uint8Array(),
        prefix: 0,
        gateway: addressBytes(parseAddress(gateway)!),
        metric: Number(network.options.metric ?? 100) + index,
      },
    ];
  });
}

function toRoute(route: NetworkRecord["routes"][number]): LinkRoute {
  const net = parseSubnet(route.destination)!;
  return {
    destination: addressBytes({ family: net.family, value: net.base }),
    prefix: net.prefix,
    gateway: addressBytes(parseAddress(route.gateway)!),
    metric: route.metric,
  };
}
