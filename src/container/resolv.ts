/** A container's /etc/resolv.conf. */
import { readFileSync } from "node:fs";
import { UPLINK_DNS } from "../network/index.ts";
import type { ContainerConfig } from "../state/index.ts";
import type { Networking } from "./network.ts";

/**
 * What the flags say, else the networks', else the host's. On kelp's own networks the host's servers are asked through the
 * uplink, whose one address stays right when the host's change, and which reaches servers on the host's loopback.
 */
export function resolvText({ network }: ContainerConfig, networking: Networking): string {
  const host = readHostResolv();
  const servers = network.dns.length > 0 ? network.dns : ownServers(networking, host.servers);
  const search =
    network.dnsSearch.length > 0 ? network.dnsSearch.filter((domain) => domain !== ".") : host.search;
  const options = network.dnsOptions.length > 0 ? network.dnsOptions : host.options;
  const lines = [
    ...(search.length > 0 ? [`search ${search.join(" ")}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
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
