/** The subnets of a new network: those asked for, or free ones. */
import { networkInterfaces } from "node:os";
import { ConflictError, UsageError } from "../base/index.ts";
import { type NetworkRecord, type NetworkSubnet, newId } from "../state/index.ts";
import {
  contains,
  formatAddress,
  formatSubnet,
  hostRange,
  lastAddress,
  overlaps,
  parseAddress,
  parseSubnet,
  requireSubnet,
  type Subnet,
} from "./address.ts";

export interface SubnetWishes {
  readonly subnets: readonly string[];
  /** By position one for each subnet. */
  readonly gateways: readonly string[];
  readonly ranges: readonly string[];
  readonly ipv6: boolean;
}

/** Beside the bridges, or nobody's to give away. */
const RESERVED = [
  ["10.0.2.0/24", "the uplink's"],
  ["fd00::/64", "the uplink's"],
  ["127.0.0.0/8", "loopback"],
  ["::1/128", "loopback"],
  ["224.0.0.0/3", "not for hosts"],
  ["ff00::/8", "not for hosts"],
  ["fe80::/10", "for links"],
] as const;

/** @throws {ConflictError} for a subnet that is taken, {UsageError} for what no network can have */
export function chooseSubnets(asked: SubnetWishes, others: readonly NetworkRecord[]): NetworkSubnet[] {
  const taken = [...others.flatMap(({ subnets }) => subnets.map(({ subnet }) => requireSubnet(subnet)))];
  if (asked.subnets.length === 0 && (asked.gateways.length > 0 || asked.ranges.length > 0))
    throw new UsageError("missing-subnet", "cannot set gateway or ip-range without subnet");
  const given = asked.subnets.map((text, index) => {
    const net = checkSubnet(text, taken);
    taken.push(net);
    return complete(net, asked.gateways[index], asked.ranges[index]);
  });
  if (given.length === 0)
    given.push(complete(freeSubnet4([...taken, ...hostSubnets()]), undefined, undefined));
  if (asked.ipv6 && !given.some(({ subnet }) => subnet.includes(":")))
    given.push(complete(freeSubnet6(taken), undefined, undefined));
  return given;
}

function checkSubnet(text: string, taken: readonly Subnet[]): Subnet {
  const net = requireSubnet(text);
  if (net.prefix > (net.family === 4 ? 30 : 126))
    throw new UsageError("subnet-too-small", `subnet ${text} has no room for a gateway and a container`);
  if (taken.some((other) => overlaps(net, other)))
    throw new ConflictError("subnet-taken", `subnet ${formatSubnet(net)} is already used by another network`);
  const reserved = RESERVED.find(([other]) => overlaps(net, requireSubnet(other)));
  if (reserved !== undefined)
    throw new UsageError(
      "subnet-reserved",
      `cannot use subnet ${formatSubnet(net)}: ${reserved[0]} is ${reserved[1]}`,
    );
  if (hostSubnets().some((other) => overlaps(net, other)))
    throw new ConflictError("subnet-taken", `subnet ${formatSubnet(net)} is already used on the host`, {
      hint: "Containers would not reach the machines there. Without --subnet a free one is chosen.",
    });
  return net;
}

function complete(net: Subnet, gateway: string | undefined, range: string | undefined): NetworkSubnet {
  const { first } = hostRange(net);
  const address = gateway === undefined ? { family: net.family, value: first } : parseAddress(gateway);
  if (address === undefined || !contains(net, address))
    throw new UsageError("invalid-gateway", `gateway ${gateway} not in subnet ${formatSubnet(net)}`);
  return {
    subnet: formatSubnet(net),
    gateway: formatAddress(address),
    ...(range === undefined ? {} : { range: parseRange(net, range) }),
  };
}

/** `A/N`, or `FIRST-LAST`. */
function parseRange(net: Subnet, text: string): NonNullable<NetworkSubnet["range"]> {
  const part = parseSubnet(text);
  const [from = "", to = ""] = text.split("-");
  const usable = hostRange(net);
  const start = part === undefined ? parseAddress(from)?.value : part.base;
  const end = part === undefined ? parseAddress(to)?.value : lastAddress(part);
  const clamp = (value: bigint) =>
    value < usable.first ? usable.first : value > usable.last ? usable.last : value;
  if (
    start === undefined ||
    end === undefined ||
    start > end ||
    start > usable.last ||
    end < usable.first ||
    start < net.base ||
    end > lastAddress(net)
  )
    throw new UsageError("invalid-range", `ip-range ${text} is not inside subnet ${formatSubnet(net)}`);
  const format = (value: bigint) => formatAddress({ family: net.family, value: clamp(value) });
  return { start: format(start), end: format(end) };
}

function freeSubnet4(taken: readonly Subnet[]): Subnet {
  for (let second = 89; second < 256; second++) {
    for (let third = 0; third < 256; third++) {
      const net = requireSubnet(`10.${second}.${third}.0/24`);
      if (!taken.some((other) => overlaps(net, other))) return net;
    }
  }
  throw new ConflictError("no-free-subnet", "could not find free subnet from subnet pools", {
    hint: "Remove unused networks with `kelp network prune`.",
  });
}

/** A unique local /64 of random digits. */
function freeSubnet6(taken: readonly Subnet[]): Subnet {
  for (;;) {
    const id = newId();
    const net = requireSubnet(
      `fd${id.slice(0, 2)}:${id.slice(2, 6)}:${id.slice(6, 10)}:${id.slice(10, 14)}::/64`,
    );
    if (!taken.some((other) => overlaps(net, other))) return net;
  }
}

/** Subnets the host is in itself: from a container they would not be reachable any more. */
function hostSubnets(): Subnet[] {
  const entries = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return entries.flatMap(({ cidr }) => (cidr === null ? [] : (parseSubnet(cidr) ?? [])));
}
