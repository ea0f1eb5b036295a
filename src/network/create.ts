/** New networks: what was asked for, checked and completed. */
import { ConflictError, UsageError } from "../base/index.ts";
import { type Context, type NetworkRecord, type NetworkSubnet, newId, writeEvent } from "../state/index.ts";
import {
  contains,
  formatAddress,
  formatSubnet,
  parseAddress,
  parseSubnet,
  requireSubnet,
} from "./address.ts";
import { DEFAULT_NETWORK, findNetwork, listNetworks } from "./defaults.ts";
import { parseNetworkOptions } from "./options.ts";
import { chooseSubnets } from "./subnets.ts";

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

const IPV6_MTU = 1280;
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
    const ipv6 = asked.ipv6 || subnets.some(({ subnet }) => subnet.includes(":"));
    requireRoom(options.mtu, ipv6);
    return ctx.state.networks.create({
      id: newId(),
      name,
      created: Date.now(),
      driver: "bridge",
      bridge: asked.bridge === undefined ? freeBridge(others) : checkBridge(asked.bridge, others),
      subnets,
      ipv6,
      internal: asked.internal,
      dns: !asked.disableDns,
      dnsServers: asked.dnsServers.map(checkServer),
      routes: asked.routes.map((text) => parseRoute(text, subnets)),
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

/** What the kernel asks for, which would say no more than `invalid argument` when the first container starts. */
function requireRoom(mtu: string | undefined, ipv6: boolean): void {
  if (!ipv6 || mtu === undefined || Number(mtu) >= IPV6_MTU) return;
  throw new UsageError(
    "invalid-mtu",
    `cannot set mtu ${JSON.stringify(mtu)}: IPv6 needs packets of ${IPV6_MTU} bytes`,
  );
}

function checkServer(text: string): string {
  if (parseAddress(text) === undefined) throw new UsageError("invalid-dns", `unable to parse ip ${text}`);
  return text;
}

function parseRoute(text: string, subnets: readonly NetworkSubnet[]): NetworkRecord["routes"][number] {
  const [destination = "", gateway = "", metric = "100", ...more] = text.split(",");
  const net = parseSubnet(destination);
  const via = parseAddress(gateway);
  if (net === undefined || via?.family !== net.family || !/^\d+$/.test(metric) || more.length > 0)
    throw new UsageError("invalid-route", `invalid route: ${text}`, {
      hint: "Routes: <destination in CIDR>,<gateway>,<metric (optional)>.",
    });
  if (!subnets.some(({ subnet }) => contains(requireSubnet(subnet), via)))
    throw new UsageError(
      "invalid-route",
      `invalid route: ${text}: gateway ${gateway} is in no subnet of the network`,
    );
  return { destination: formatSubnet(net), gateway: formatAddress(via), metric: Number(metric) };
}
