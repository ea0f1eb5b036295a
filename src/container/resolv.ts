/** A container's /etc/resolv.conf. */
import { readFileSync } from "node:fs";
import { NAMES_DOMAIN, nameServersOf, UPLINK_DNS } from "../network/index.ts";
import type { ContainerConfig, ContainerRecord, Context } from "../state/index.ts";
import { changeInPlace } from "./bound-file.ts";
import type { Networking } from "./network.ts";

/** In the place of name servers: no file of kelp's. */
export const NO_RESOLV = "none";

/**
 * What the flags say, else the networks', else the host's. On kelp's own networks the host's servers are asked through the
 * uplink, whose one address stays right when the host's change, and which reaches servers on the host's loopback. Networks
 * with a name server are asked there; that knows whom to ask further.
 *
 * @param named whether there is such a server
 */
export function resolvText(
  { network }: ContainerConfig,
  networking: Networking,
  named = networking.plan?.names !== undefined,
): string {
  const host = readHostResolv();
  const own = named ? nameServersOf(networking.members) : [];
  const flags = network.dns.length > 0 ? network.dns : ownServers(networking, host.servers);
  const servers = own.length > 0 ? own : flags;
  const domains = own.length > 0 ? [NAMES_DOMAIN, ...host.search] : host.search;
  const search =
    network.dnsSearch.length > 0 ? network.dnsSearch.filter((domain) => domain !== ".") : domains;
  const options = network.dnsOptions.length > 0 ? network.dnsOptions : host.options;
  const lines = [
    ...(search.length > 0 ? [`search ${search.join(" ")}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/**
 * Writes a running container's file anew where its networks, or their name server, are others now. A file that somebody has
 * changed is left alone.
 */
export function refreshResolv(
  ctx: Context,
  record: ContainerRecord,
  now: Networking,
  before: Networking = now,
): void {
  const known = [true, false].map((named) => resolvText(record.config, before, named));
  changeInPlace(ctx, record, "resolv.conf", (text) =>
    known.includes(text) ? resolvText(record.config, now) : text,
  );
}

function ownServers({ members, plan, uplink, own }: Networking, host: readonly string[]): readonly string[] {
  if (own !== undefined) return own.dns === undefined ? host : [own.dns];
  if (plan === undefined) return host;
  const given = members.flatMap(({ network }) => network.dnsServers);
  if (given.length > 0) return given;
  return uplink.plan === undefined ? [] : [UPLINK_DNS];
}

function readHostResolv(): { servers: string[]; search: string[]; options: string[] } {
  const found: { servers: string[]; search: string[]; options: string[] } = {
    servers: [],
    search: [],
    options: [],
  };
  let text = "";
  try {
    text = readFileSync("/etc/resolv.conf", "utf8");
  } catch {
    // A host without name service has containers without.
  }
  for (const line of text.split("\n")) {
    const [key, ...words] = line.trim().split(/\s+/);
    if (key === "nameserver") found.servers.push(...words.slice(0, 1));
    if (key === "search" || key === "domain") found.search = words;
    if (key === "options") found.options = words;
  }
  return found;
}
