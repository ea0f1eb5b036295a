/** A container's /etc/hosts: its own names, the host's, and on networks with names those of its neighbours. */
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { errnoCode, UsageError } from "../base/index.ts";
import { errnoText } from "../host/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { changeInPlace } from "./bound-file.ts";
import { addressesOf, effectiveHostname, neighbourBlock } from "./neighbours.ts";
import type { Networking } from "./network.ts";

/** The whole file, or undefined where the image's own is to be left alone. */
export function hostsText(ctx: Context, record: ContainerRecord, networking: Networking): string | undefined {
  const { network } = record.config;
  const base = network.hostsFile ?? ctx.settings.baseHostsFile;
  if (network.noHosts || base === "image") return undefined;
  const gateway = hostAddress(ctx, record, networking);
  const added = network.addHosts.map((entry) => addedLine(entry, gateway));
  const lines = [...added, ...baseHosts(base)];
  for (const [address, names] of ownNames(record, networking, gateway)) {
    const fresh = names.filter((name) => !isNamed(lines, name));
    if (fresh.length > 0) lines.push(`${address}\t${fresh.join(" ")}`);
  }
  return `${[...lines, ...neighbourBlock(ctx, networking.members)].join("\n")}\n`;
}

function addedLine(entry: string, gateway: string | undefined): string {
  const colon = entry.indexOf(":");
  const names = entry.slice(0, colon).split(";").join(" ");
  const ip = entry.slice(colon + 1);
  if (ip !== "host-gateway") return `${ip}\t${names}`;
  if (gateway === undefined)
    throw new UsageError(
      "no-host-gateway",
      `cannot add host ${names}: host containers internal IP address is empty`,
      {
        hint: "host-gateway needs a network that reaches the host.",
      },
    );
  return `${gateway}\t${names}`;
}

function isNamed(lines: readonly string[], name: string): boolean {
  return lines.some((line) => line.replace(/#.*/, "").trim().split(/\s+/).slice(1).includes(name));
}

function* ownNames(
  record: ContainerRecord,
  { members, own: stack }: Networking,
  gateway: string | undefined,
): Generator<readonly [address: string, names: readonly string[]]> {
  if (gateway !== undefined) yield [gateway, ["host.containers.internal", "host.docker.internal"]];
  if (members.some(({ network }) => network.dns)) return; // it is among its neighbours
  const own = [effectiveHostname(record), record.name];
  const addresses =
    stack?.address === undefined ? members.flatMap(({ endpoint }) => addressesOf(endpoint)) : [stack.address];
  for (const address of addresses.length > 0 ? addresses.slice(0, 1) : ["127.0.0.1"]) yield [address, own];
}

/** Where the container reaches the host, if it does: the host's own address, for its loopback is closed. */
function hostAddress(
  ctx: Context,
  { config }: ContainerRecord,
  { uplink, own }: Networking,
): string | undefined {
  const { hostContainersInternalIp } = ctx.settings;
  if (hostContainersInternalIp !== "") return hostContainersInternalIp;
  if (config.network.mode === "host") return "127.0.0.1";
  if (own?.host !== undefined) return own.host;
  if (uplink.plan === undefined && own?.address === undefined) return undefined;
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return all.find(({ family, internal }) => family === "IPv4" && !internal)?.address;
}

/** The host's own file by default; `none` leaves loopback only. */
function baseHosts(base: string): string[] {
  const loopback = ["127.0.0.1\tlocalhost", "::1\tlocalhost"];
  if (base === "none") return loopback;
  let text: string;
  try {
    text = readFileSync(base === "" ? "/etc/hosts" : base, "utf8");
  } catch (cause) {
    if (base === "") return loopback;
    const reason = errnoText(errnoCode(cause)) ?? (cause as Error).message;
    throw new UsageError("hosts-file", `cannot read hosts file ${base}: ${reason}`, { cause });
  }
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.some((line) => /^\s*127\.0\.0\.1\s.*\blocalhost\b/.test(line))
    ? lines
    : [...loopback, ...lines];
}

/** A running container has come to other networks: the whole file is written anew, in place. */
export function rewriteHosts(ctx: Context, record: ContainerRecord, networking: Networking): void {
  const text = hostsText(ctx, record, networking);
  if (text !== undefined) changeInPlace(ctx, record, "hosts", () => text);
}
