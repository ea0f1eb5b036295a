/** New networks: what was asked for, checked and completed. */
import { networkInterfaces } from "node:os";
import { ConflictError, UsageError } from "../base/index.ts";
import { type Context, type NetworkRecord, type NetworkSubnet, newId, writeEvent } from "../state/index.ts";
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
import { DEFAULT_NETWORK, findNetwork, listNetworks } from "./defaults.ts";
import { parseNetworkOptions } from "./options.ts";

export interface NewNetwork {
  /** Absent: one is chosen. */
  readonly name?: string | undefined;
  readonly driver: string;
  readonly subnets: readonly string[];
  /** By position one for each subnet. */
  readonly gateways: readonly string[];
  readonly ranges: readonly string[];
  readonly ipv6: boolean;
  readonly internal: boolean;
  readonly disableDns: boolean;
  readonly dnsServers: readonly string[];
  /** `DESTINATION,GATEWAY[,METRIC]` */
  readonly routes: readonly string[];
  readonly bridge?: string | undefined;
  readonly ipamDriver: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const RESERVED = new Set([
  "none",
  "host",
  "bridge",
  "private",
  "slirp4netns",
  "pasta",
  "container",
  "ns",
  "default",
]);

/** @throws {UsageError} for what no network can have, {ConflictError} for a name or subnet that is taken */
export function createNetwork(ctx: Context, asked: NewNetwork): NetworkRecord {
  checkKind(asked);
  const options = parseNetworkOptions(asked.options);
  const created = ctx.state.transaction(() => {
    const others = listNetworks(ctx);
    const name = asked.name === undefined ? freeName(others) : checkName(ctx, asked.name);
    const subnets = chooseSubnets(asked, others);
    return ctx.state.networks.create({
      id: newId(),
      name,
      created: Date.now(),
      driver: "bridge",
      bridge: asked.bridge === undefined ? freeBridge(others) : checkBridge(asked.bridge, others),
      subnets,
      ipv6: asked.ipv6 || subnets.some(({ subnet }) => subnet.includes(":")),
      internal: asked.internal,
      dns: !asked.disableDns,
      dnsServers: asked.dnsServers.map(checkServer),
      routes: asked.routes.map(parseRoute),
      labels: asked.labels,
      options,
    });
  });
  writeNetworkEvent(ctx, "create", created);
  return created;
}

/** Takes name servers from a network and gives it others; what is not there, or there already, is no error. */
export function changeServers(
  ctx: Context,
  network: NetworkRecord,
  add: readonly string[],
  drop: readonly string[],
): NetworkRecord {
  if (network.name === DEFAULT_NETWORK)
    throw new ConflictError("default-network", `default network ${network.name} cannot be updated`, {
      hint: "dns_servers of containers.conf, or --dns, is for containers of any network.",
    });
  const gone = new Set(drop.map(checkServer));
  return ctx.state.transaction(() => {
    const current = ctx.state.networks.byName(network.name) ?? network;
    const kept = current.dnsServers.filter((server) => !gone.has(server));
    const updated = { ...current, dnsServers: [...new Set([...kept, ...add.map(checkServer)])] };
    ctx.state.networks.update(updated);
    return updated;
  });
}

/** `create` and `remove`. */
export function writeNetworkEvent(ctx: Context, status: string, { id, name, driver }: NetworkRecord): void {
  writeEvent(ctx, { type: "network", status, id, network: name, attributes: { type: driver } });
}

function checkKind({ driver, ipamDriver }: NewNetwork): void {
  if (driver === "macvlan" || driver === "ipvlan")
    throw new UsageError(
      "unsupported-driver",
      `cannot create a network with driver ${driver}: a user has no hold on the host's interfaces`,
      {
        hint: "Use the driver bridge.",
      },
    );
  if (driver !== "bridge")
    throw new UsageError("unsupported-driver", `unsupported driver ${driver}: invalid argument`);
  if (ipamDriver !== "" && ipamDriver !== "host-local")
    throw new UsageError(
      "unsupported-ipam",
      `unsupported ipam driver ${JSON.stringify(ipamDriver)}: kelp has host-local only`,
    );
}

function checkName(ctx: Context, name: string): string {
  if (!NAME.test(name))
    throw new UsageError(
      "invalid-name",
      `network name ${name} invalid: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument`,
    );
  if (RESERVED.has(name))
    throw new UsageError(
      "reserved-name",
      `cannot create network with name ${JSON.stringify(name)} because it conflicts with a valid network mode`,
    );
  if (
    ctx.state.networks.byName(name) !== undefined ||
    findNetwork(ctx, name)?.name === name ||
    name === "podman"
  )
    throw new ConflictError("network-exists", `network already exists ${name}`);
  return name;
}

function freeName(others: readonly NetworkRecord[]): string {
  const taken = new Set(others.map(({ name }) => name));
  for (let number = 1; ; number++) if (!taken.has(`kelp${number}`)) return `kelp${number}`;
}

function freeBridge(others: readonly NetworkRecord[]): string {
  const taken = new Set(others.map(({ bridge }) => bridge));
  for (let number = 1; ; number++) if (!taken.has(`kelp${number}`)) return `kelp${number}`;
}

/** The uplink's and the loopback interface live beside the bridges. */
function checkBridge(name: string, others: readonly NetworkRecord[]): string {
  if (!/^[^\s/:]{1,15}$/.test(name) || [".", "..", "lo", "tap0"].includes(name))
    throw new UsageError("invalid-interface", `bridge name ${name} invalid: invalid argument`);
  if (others.some(({ bridge }) => bridge === name))
    throw new ConflictError("bridge-exists", `bridge name ${name} already in use`);
  return name;
}

function checkServer(text: string): string {
  if (parseAddress(text) === undefined) throw new UsageError("invalid-dns", `unable to parse ip ${text}`);
  return text;
}

function parseRoute(text: string): NetworkRecord["routes"][number] {
  const [destination = "", gateway = "", metric = "100", ...more] = text.split(",");
  const net = parseSubnet(destination);
  const via = parseAddress(gateway);
  if (net === undefined || via?.family !== net.family || !/^\d+$/.test(metric) || more.length > 0)
    throw new UsageError("invalid-route", `invalid route: ${text}`, {
      hint: "Routes: <destination in CIDR>,<gateway>,<metric (optional)>.",
    });
  return { destination: formatSubnet(net), gateway: formatAddress(via), metric: Number(metric) };
}

// --- subnets ------------------------------------------------------------------------------------------

function chooseSubnets(asked: NewNetwork, others: readonly NetworkRecord[]): NetworkSubnet[] {
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
