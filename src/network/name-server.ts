/**
 * The name server of the networks with names: aardvark-dns, where it is installed. It listens at the bridges' addresses and
 * passes on what it does not know. Members' names are in their /etc/hosts as well, so it is never needed to find a neighbour;
 * it serves those who do not look there, and knows newcomers at once.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { errnoCode } from "../base/index.ts";
import { ensureDir, findProgram, namesDir, readIfExists, writeFileAtomic } from "../host/index.ts";
import type { Context, NameServerPlan, NetworkRecord } from "../state/index.ts";
import { listNetworks } from "./defaults.ts";
import type { Membership } from "./plan.ts";
import { NAME_FILTERS } from "./shared-filters.ts";
import { HELPER_ENVIRONMENT, UPLINK_DNS } from "./uplink.ts";

/** Podman's domain for containers' names. */
export const NAMES_DOMAIN = "dns.podman";
/** Where distributions put programs that are podman's alone. */
const USUAL_DIRS = [
  "/usr/local/libexec/podman",
  "/usr/local/lib/podman",
  "/usr/libexec/podman",
  "/usr/lib/podman",
];
const CAP_NET_BIND_SERVICE = 1n << 10n;
/** Asked by the server of a network that reaches nothing outside: nobody listens there. */
const NOBODY = "127.0.0.1";
/** The server listens at the address of a bridge that is not there yet. */
const SETTINGS: NameServerPlan["settings"] = [
  ["ipv4/ip_nonlocal_bind", "1"],
  ["ipv6/ip_nonlocal_bind", "1"],
];

/** Its program file; undefined: it is not installed, or helper_binaries_dir leads elsewhere. */
export function findNameServer({ settings }: Context): string | undefined {
  return findProgram("aardvark-dns", settings.helperDirs.length > 0 ? settings.helperDirs : USUAL_DIRS);
}

/** For a container of these networks; undefined: none of them has names, or there is no server. */
export function planNameServer(ctx: Context, members: readonly Membership[]): NameServerPlan | undefined {
  const program = members.some(({ network }) => network.dns) ? findNameServer(ctx) : undefined;
  if (program === undefined) return undefined;
  const directory = namesDir(ctx.paths);
  return {
    lock: join(ctx.paths.runtime, "names.lock"),
    directory,
    leftover: join(directory, "aardvark.pid"),
    argv: [
      program,
      "--config",
      directory,
      "--port",
      "53",
      "--filter-search-domain",
      `.${NAMES_DOMAIN}`,
      "run",
    ],
    env: HELPER_ENVIRONMENT,
    capabilities: CAP_NET_BIND_SERVICE,
    filters: Buffer.from(NAME_FILTERS, "base64"),
    settings: SETTINGS,
  };
}

/** Where a member of these networks asks: one address a network, those that reach the outside first. */
export function nameServersOf(members: readonly Membership[]): string[] {
  const named = members.map(({ network }) => network).filter(({ dns }) => dns);
  return named
    .toSorted((a, b) => Number(a.internal) - Number(b.internal))
    .flatMap(({ subnets }) => subnets.flatMap(({ gateway }) => gateway ?? []).slice(0, 1));
}

/** A member of a network, as the server is to know it. */
export interface NameEntry {
  readonly container: string;
  readonly ip?: string | undefined;
  readonly ip6?: string | undefined;
  readonly names: readonly string[];
  /** Whom the server asks for it; empty: the network's. */
  readonly servers: readonly string[];
}

/**
 * Writes what the server is to know of a network, or takes it away where nobody is on it. Whoever looks after the server tells
 * it.
 *
 * @returns whether that is new
 */
export function writeNames(ctx: Context, network: NetworkRecord, entries: readonly NameEntry[]): boolean {
  const directory = namesDir(ctx.paths);
  const path = namesPath(directory, network);
  const before = readIfExists(path);
  const after = entries.length === 0 ? undefined : namesText(network, entries);
  if (before === after) return false;
  sweepUnknown(ctx, directory);
  if (after === undefined) rmSync(path, { force: true });
  else {
    ensureDir(directory);
    writeFileAtomic(path, after);
  }
  return true;
}

/** Two files with one address keep newer servers from starting: of networks that are gone nothing may stay. */
function sweepUnknown(ctx: Context, directory: string): void {
  const known = new Set(listNetworks(ctx).map((network) => namesPath(directory, network)));
  for (const name of namesIn(directory)) {
    const path = join(directory, name);
    if (/^[0-9a-f]{32}(%int)?$/.test(name) && !known.has(path)) rmSync(path, { force: true });
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** The ending says to newer servers that nothing outside is to be asked. */
function namesPath(directory: string, { id, internal }: NetworkRecord): string {
  return join(directory, `${id.slice(0, 32)}${internal ? "%int" : ""}`);
}

/**
 * Lines of words. The server compares names in small letters; older ones know names with the domain of the asked network only,
 * unless they are listed so.
 */
function namesText(network: NetworkRecord, entries: readonly NameEntry[]): string {
  const { subnets, internal, dnsServers } = network;
  const gateways = subnets.flatMap(({ gateway }) => gateway ?? []);
  const open = dnsServers.length > 0 ? dnsServers : [UPLINK_DNS];
  const lines = entries.map(({ container, ip = "", ip6 = "", names, servers }) => {
    const own = internal || servers.length === 0 ? [] : [servers.join(",")];
    const known = [...names, ...names.map((name) => `${name}.${NAMES_DOMAIN}`)];
    return [container, ip, ip6, known.join(",").toLowerCase(), ...own].join(" ");
  });
  return `${[`${gateways.join(",")} ${(internal ? [NOBODY] : open).join(",")}`, ...lines].join("\n")}\n`;
}
