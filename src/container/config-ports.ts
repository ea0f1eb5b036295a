/** --publish, --publish-all and --expose. */
import { readFileSync } from "node:fs";
import { UsageError } from "../base/index.ts";
import { parseAddress } from "../network/index.ts";
import type { Context, PortMapping } from "../state/index.ts";

export interface PortWishes {
  readonly publish: readonly string[];
  /** `80/tcp`, each to be published at a random port. */
  readonly exposed: readonly string[];
}

/** The mappings with every random port chosen and every address written out. */
export function publishedPorts(ctx: Context, { publish, exposed }: PortWishes): PortMapping[] {
  const asked = [...new Set(publish)].map(parsePort);
  const covered = new Set(asked.flatMap((port) => portKeys(port)));
  const more = exposed.filter((key) => !covered.has(key)).map(parsePort);
  const all = [...asked, ...more].flatMap((port) => spreadAddresses(ctx, port));
  if (all.every(({ hostPort }) => hostPort > 0)) return all;
  return choosePorts(ctx, all);
}

/** `--expose 80`, `--expose 90-92/udp` and the image's own, each port by itself. */
export function exposedPorts(flags: readonly string[], image: readonly string[]): string[] {
  const ports = [...image, ...flags].flatMap((text) => {
    const port = /^\d+(-\d+)?(\/(tcp|udp|sctp))?$/i.test(text) ? parsePort(text) : undefined;
    if (port === undefined)
      throw new UsageError("invalid-port", `invalid port ${JSON.stringify(text)} for --expose`);
    return portKeys(port);
  });
  return [...new Set(ports)];
}

function portKeys({ containerPort, range, protocol }: PortMapping): string[] {
  return Array.from({ length: range }, (_, offset) => `${containerPort + offset}/${protocol}`);
}

/** Settings may say where ports are published that name no address. */
function spreadAddresses(ctx: Context, port: PortMapping): PortMapping[] {
  const { defaultHostIps } = ctx.settings;
  if (port.hostIp !== "" || defaultHostIps.length === 0) return [port];
  return defaultHostIps.map((hostIp) => ({ ...port, hostIp }));
}

// --- random ports -------------------------------------------------------------------------------------

const TABLES = { tcp: ["tcp", "tcp6"], udp: ["udp", "udp6"], sctp: [] } as const;

/**
 * Ports nobody uses at the moment and no container is promised. Somebody may take one before the container starts: then
 * the start says so.
 */
function choosePorts(ctx: Context, ports: readonly PortMapping[]): PortMapping[] {
  const promised = ctx.state.containers.list().flatMap(({ config }) => config.network.ports);
  const taken = { tcp: usedPorts("tcp"), udp: usedPorts("udp"), sctp: new Set<number>() };
  for (const { hostPort, range, protocol } of [...promised, ...ports])
    for (let offset = 0; offset < range; offset++) taken[protocol].add(hostPort + offset);
  const chosen = new Map<string, number>();
  return ports.map((port) => {
    if (port.hostPort > 0) return port;
    // One mapping at several addresses has one port.
    const key = portKeys(port).join();
    const hostPort = chosen.get(key) ?? freeRange(taken[port.protocol], port.range);
    chosen.set(key, hostPort);
    for (let offset = 0; offset < port.range; offset++) taken[port.protocol].add(hostPort + offset);
    return { ...port, hostPort };
  });
}

function usedPorts(protocol: "tcp" | "udp"): Set<number> {
  const used = new Set<number>();
  for (const table of TABLES[protocol]) {
    for (const line of read(`/proc/net/${table}`).split("\n").slice(1)) {
      const local = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) /.exec(line);
      if (local?.[1] !== undefined) used.add(Number.parseInt(local[1], 16));
    }
  }
  return used;
}

function freeRange(taken: ReadonlySet<number>, length: number): number {
  const [low = 32768, high = 60999] = read("/proc/sys/net/ipv4/ip_local_port_range")
    .trim()
    .split(/\s+/)
    .map(Number);
  const room = high - low + 2 - length;
  const start = low + Math.floor(Math.random() * Math.max(room, 1));
  for (let n = 0; n < room; n++) {
    const first = low + ((start - low + n) % room);
    if (Array.from({ length }, (_, offset) => first + offset).every((port) => !taken.has(port))) return first;
  }
  throw new UsageError(
    "no-free-port",
    `cannot publish ${length} ports: no range of them is free on this machine`,
  );
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

// --- parsing ------------------------------------------------------------------------------------------

/** `[[IP:]HOST:]CONTAINER[/PROTOCOL]`, each port a number or a range. */
export function parsePort(text: string): PortMapping {
  const match =
    /^(?:(?:(\[[0-9a-fA-F:.]+\]|[^:/]*):)?(\d*(?:-\d+)?):)?(\d+(?:-\d+)?)(?:\/(tcp|udp|sctp))?$/i.exec(text);
  if (match === null) throw badPort(text, "must be [[IP:]HOSTPORT:]CONTAINERPORT[/PROTOCOL]");
  const [, address = "", host = "", container = "", protocol = "tcp"] = match;
  const hostIp = address.replace(/^\[(.*)\]$/, "$1");
  if (hostIp !== "" && parseAddress(hostIp) === undefined)
    throw badPort(text, `${JSON.stringify(hostIp)} is not an IP address`);
  const inside = parseRange(container, text);
  const outside = host === "" ? { first: 0, length: inside.length } : parseRange(host, text);
  if (outside.length !== inside.length)
    throw badPort(text, "host and container port ranges have different lengths");
  if (/sctp/i.test(protocol)) throw badPort(text, "sctp is not supported: kelp forwards tcp and udp");
  return {
    hostIp,
    hostPort: outside.first,
    containerPort: inside.first,
    protocol: protocol.toLowerCase() as PortMapping["protocol"],
    range: inside.length,
  };
}

function parseRange(text: string, whole: string): { first: number; length: number } {
  const [first = 0, last = first] = text.split("-").map(Number);
  if (first < 1 || last > 65535 || last < first) throw badPort(whole, "ports are numbers from 1 to 65535");
  return { first, length: last - first + 1 };
}

function badPort(text: string, reason: string): UsageError {
  return new UsageError("invalid-port", `cannot publish port ${JSON.stringify(text)}: ${reason}`);
}
