/** `--network slirp4netns[:OPTIONS]`: a user-mode network stack for one container alone. */
import { UsageError } from "../base/index.ts";
import type { Context } from "../state/index.ts";
import { formatAddress, formatSubnet, parseSubnet } from "./address.ts";
import { requireSlirp4netns, SLIRP4NETNS_KEPT, UPLINK_MTU } from "./uplink.ts";

export interface SlirpOptions {
  readonly allowHostLoopback: boolean;
  readonly ipv6: boolean;
  readonly mtu: number;
  readonly cidr: string;
  /** Interfaces or addresses of the host, by the program's names for them. */
  readonly outbound: Readonly<Record<string, string>>;
}

const DEFAULTS: SlirpOptions = {
  allowHostLoopback: false,
  ipv6: true,
  mtu: UPLINK_MTU,
  cidr: "10.0.2.0/24",
  outbound: {},
};
/** Where the program puts whom in its subnet. */
const OFFSET = { router: 2n, dns: 3n, container: 100n } as const;

/** @throws {UsageError} for an option that is not known, or that cannot be kept */
export function parseSlirpOptions(text: string): SlirpOptions {
  let options = DEFAULTS;
  for (const option of text === "" ? [] : text.split(",")) {
    const at = option.indexOf("=");
    if (at <= 0) throw unknownOption(option);
    options = { ...options, ...parseOption(option.slice(0, at), option.slice(at + 1), options) };
  }
  return options;
}

function parseOption(key: string, value: string, { outbound }: SlirpOptions): Partial<SlirpOptions> {
  switch (key) {
    case "allow_host_loopback":
      return { allowHostLoopback: parseSwitch(key, value) };
    case "enable_ipv6":
      return { ipv6: parseSwitch(key, value) };
    case "mtu":
      if (/^\d+$/.test(value) && Number(value) >= 68 && Number(value) <= 65521) return { mtu: Number(value) };
      throw invalidValue(key, value);
    case "cidr":
      return { cidr: parseCidr(value) };
    case "outbound_addr":
    case "outbound_addr6":
      if (!/^[\w.:-]+$/.test(value)) throw invalidValue(key, value);
      return { outbound: { ...outbound, [key]: value } };
    case "port_handler":
      return checkPortHandler(value);
    default:
      throw unknownOption(`${key}=${value}`);
  }
}

function unknownOption(option: string): UsageError {
  return new UsageError(
    "unknown-network-option",
    `unknown option for slirp4netns: ${JSON.stringify(option)}`,
    {
      hint: "Options: allow_host_loopback, cidr, enable_ipv6, mtu, outbound_addr, outbound_addr6, port_handler.",
    },
  );
}

function invalidValue(key: string, value: string): UsageError {
  return new UsageError(
    "invalid-network-option",
    `invalid value of ${key} for slirp4netns: ${JSON.stringify(value)}`,
  );
}

function parseSwitch(key: string, value: string): boolean {
  if (value === "true" || value === "false") return value === "true";
  throw invalidValue(key, value);
}

/** The program wants IPv4 and room for the container's address. */
function parseCidr(value: string): string {
  const net = parseSubnet(value);
  if (net === undefined || net.family !== 4 || net.prefix > 25) throw invalidValue("cidr", value);
  return formatSubnet(net);
}

/** Ports are forwarded by the monitor, as everywhere else. */
function checkPortHandler(value: string): Partial<SlirpOptions> {
  if (value === "rootlesskit") return {};
  if (value !== "slirp4netns") throw invalidValue("port_handler", value);
  throw new UsageError(
    "unsupported-network-option",
    "cannot use port_handler=slirp4netns: kelp's own forwarder serves the ports of containers",
    {
      hint: "Leave it out; on kelp's own networks and with pasta the container sees its clients' addresses.",
    },
  );
}

export interface SlirpAddresses {
  readonly address: string;
  readonly dns: string;
  readonly router: string;
}

export function slirpAddresses({ cidr }: SlirpOptions): SlirpAddresses {
  const { base } = parseSubnet(cidr)!;
  const at = (offset: bigint) => formatAddress({ family: 4, value: base + offset });
  return { address: at(OFFSET.container), dns: at(OFFSET.dns), router: at(OFFSET.router) };
}

/** @throws {HostError} where the program is missing or too old */
export function slirpArguments(ctx: Context, options: SlirpOptions): string[] {
  const outbound = Object.entries(options.outbound).map(
    ([key, value]) => `--${key.replace("_addr", "-addr")}=${value}`,
  );
  return [
    requireSlirp4netns(ctx),
    "--configure",
    `--mtu=${options.mtu}`,
    `--cidr=${options.cidr}`,
    ...(options.allowHostLoopback ? [] : ["--disable-host-loopback"]),
    ...(options.ipv6 ? ["--enable-ipv6"] : []),
    ...outbound,
    ...SLIRP4NETNS_KEPT,
  ];
}
