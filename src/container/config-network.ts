/** --network and what belongs to it. */
import { UsageError } from "../base/index.ts";
import type { Context, NetworkConfig, PortMapping } from "../state/index.ts";
import type { CreateOptions } from "./create-options.ts";
import { chooseNetworks } from "./network-names.ts";

const NO_PORTS = new Set(["host", "none", "container", "ns"]);

/** The record, and a line for the user where a flag had to be passed over. */
export function networkConfig(
  ctx: Context,
  options: CreateOptions,
): { network: NetworkConfig; warnings: string[] } {
  const { mode, networks } = chooseNetworks(ctx, options);
  const kind = mode.split(":", 1)[0]!;
  const asked = (options.publish ?? []).map(parsePort);
  const warnings: string[] = [];
  const discarded = NO_PORTS.has(kind) && (asked.length > 0 || options["publish-all"] === true);
  if (discarded) {
    warnings.push(
      `Port mappings have been discarded because ${JSON.stringify(kind)} network namespace mode does not support them`,
    );
  }
  const addHosts = (options["add-host"] ?? []).map(parseAddHost);
  const noHosts = options["no-hosts"] === true || (ctx.settings.noHosts && addHosts.length === 0);
  if (options["no-hosts"] === true && addHosts.length > 0) {
    throw new UsageError("conflicting-flags", "--no-hosts and --add-host cannot be set together");
  }
  const network: NetworkConfig = {
    mode,
    networks,
    ports: discarded ? [] : asked,
    publishAll: !discarded && options["publish-all"] === true,
    dns: given(options.dns?.map(parseDns), ctx.settings.dnsServers),
    dnsSearch: given(options["dns-search"], ctx.settings.dnsSearches),
    dnsOptions: given(options["dns-option"], ctx.settings.dnsOptions),
    addHosts,
    noHosts,
    noHostname: options["no-hostname"] === true,
    ...(options["hosts-file"] === undefined ? {} : { hostsFile: options["hosts-file"] }),
  };
  return { network, warnings };
}

function given(flags: readonly string[] | undefined, settings: readonly string[]): readonly string[] {
  return flags === undefined || flags.length === 0 ? settings : flags;
}

function parseDns(word: string): string {
  if (process.getBuiltinModule("node:net").isIP(word) === 0)
    throw new UsageError("invalid-dns", `${word} is not an ip address`);
  return word;
}

/** `NAME[;NAME…]:IP` or `NAME=IP`, as `name:ip`. */
function parseAddHost(word: string): string {
  const at = word.search(/[:=]/);
  const name = word.slice(0, at);
  const ip = word.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
  if (at <= 0)
    throw new UsageError(
      "invalid-host",
      `unable to parse host entry ${JSON.stringify(word)}: incorrect format`,
    );
  if (process.getBuiltinModule("node:net").isIP(ip) === 0 && ip !== "host-gateway")
    throw new UsageError("invalid-host", `invalid IP address in add-host: ${JSON.stringify(ip)}`);
  return `${name}:${ip}`;
}

/** `[[IP:]HOST:]CONTAINER[/PROTOCOL]`, each port a number or a range. */
export function parsePort(text: string): PortMapping {
  const match =
    /^(?:(?:(\[[0-9a-fA-F:.]+\]|[^:/]*):)?(\d*(?:-\d+)?):)?(\d+(?:-\d+)?)(?:\/(tcp|udp|sctp))?$/i.exec(text);
  if (match === null) throw badPort(text, "must be [[IP:]HOSTPORT:]CONTAINERPORT[/PROTOCOL]");
  const [, address = "", host = "", container = "", protocol = "tcp"] = match;
  const hostIp = address.replace(/^\[(.*)\]$/, "$1");
  if (hostIp !== "" && process.getBuiltinModule("node:net").isIP(hostIp) === 0)
    throw badPort(text, `${JSON.stringify(hostIp)} is not an IP address`);
  const inside = parseRange(container, text);
  const outside = host === "" ? { first: 0, length: inside.length } : parseRange(host, text);
  if (outside.length !== inside.length)
    throw badPort(text, "host and container port ranges have different lengths");
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
