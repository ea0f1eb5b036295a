/** --network and what belongs to it. */
import { UsageError } from "../base/index.ts";
import type { Context, NetworkConfig } from "../state/index.ts";
import { exposedPorts, publishedPorts } from "./config-ports.ts";
import type { CreateOptions } from "./create-options.ts";
import { chooseNetworks } from "./network-names.ts";
import { NO_RESOLV } from "./resolv.ts";

const NO_PORTS = new Set(["host", "none", "container", "ns"]);

/**
 * The record, and a line for the user where a flag had to be passed over.
 *
 * @param imagePorts `80/tcp`, those the image says it listens on
 */
export function networkConfig(
  ctx: Context,
  options: CreateOptions,
  imagePorts: readonly string[],
): { network: NetworkConfig; warnings: string[] } {
  const { mode, networks } = chooseNetworks(ctx, options);
  const kind = mode.split(":", 1)[0]!;
  const warnings: string[] = [];
  const ports = portConfig(ctx, options, imagePorts, kind);
  if (ports.discarded) {
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
    ...ports.config,
    dns: given(parseServers(options.dns ?? []), ctx.settings.dnsServers),
    dnsSearch: given(options["dns-search"], ctx.settings.dnsSearches),
    dnsOptions: given(options["dns-option"], ctx.settings.dnsOptions),
    addHosts,
    noHosts,
    noHostname: options["no-hostname"] === true,
    ...(options["hosts-file"] === undefined ? {} : { hostsFile: options["hosts-file"] }),
  };
  return { network, warnings };
}

function portConfig(
  ctx: Context,
  options: CreateOptions,
  imagePorts: readonly string[],
  kind: string,
): { config: Pick<NetworkConfig, "ports" | "exposed" | "publishAll">; discarded: boolean } {
  const publishAll = options["publish-all"] === true;
  const exposed = exposedPorts(options.expose ?? [], imagePorts);
  const wishes = { publish: options.publish ?? [], exposed: publishAll ? exposed : [] };
  const none = NO_PORTS.has(kind);
  const ports = none ? [] : publishedPorts(ctx, wishes);
  return {
    config: { ports, ...(exposed.length === 0 ? {} : { exposed }), publishAll: publishAll && !none },
    discarded: none && (wishes.publish.length > 0 || publishAll),
  };
}

function given(flags: readonly string[] | undefined, settings: readonly string[]): readonly string[] {
  return flags === undefined || flags.length === 0 ? settings : flags;
}

/** `none` alone: the image's own resolv.conf. */
function parseServers(words: readonly string[]): readonly string[] {
  if (words.length > 1 && words.includes(NO_RESOLV))
    throw new UsageError(
      "conflicting-flags",
      "--dns none leaves no room for name servers: give one or the other",
    );
  return words[0] === NO_RESOLV ? words : words.map(parseDns);
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
