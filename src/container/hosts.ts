/** A container's /etc/hosts: its own names, the host's, and on networks with names those of its neighbours. */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { hostname as machineName, networkInterfaces } from "node:os";
import { join } from "node:path";
import { errnoCode, UsageError } from "../base/index.ts";
import { containerDir } from "../host/index.ts";
import type { Membership } from "../network/index.ts";
import type { ContainerRecord, Context, Endpoint } from "../state/index.ts";
import { isInUse } from "./claim.ts";
import { membersOf, type Networking } from "./network.ts";

/** Between these lines the file is kelp's; around them it may be changed by hand. */
const BEGIN = "# neighbours, kept by kelp";
const END = "# end of neighbours";

/** The name the container's processes see. */
export function effectiveHostname({ config, id }: ContainerRecord): string {
  return config.namespaces.uts === "host" ? machineName() : config.hostname || id.slice(0, 12);
}

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
  return `${[...lines, ...neighbourBlock(ctx, record, networking.members)].join("\n")}\n`;
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

function addressesOf({ ip, ip6 }: Endpoint): string[] {
  return [ip, ip6].filter((address) => address !== undefined);
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
    throw new UsageError("hosts-file", `cannot read hosts file ${base}: ${(cause as Error).message}`, {
      cause,
    });
  }
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines.some((line) => /^\s*127\.0\.0\.1\s.*\blocalhost\b/.test(line))
    ? lines
    : [...loopback, ...lines];
}

// --- neighbours -------------------------------------------------------------------------------------

function neighbourBlock(ctx: Context, { id }: ContainerRecord, members: readonly Membership[]): string[] {
  const named = members.filter(({ network }) => network.dns);
  if (named.length === 0) return [];
  const lines = named.flatMap(({ network }) =>
    ctx.state.networks
      .endpointsOn(network.id)
      .flatMap((endpoint) => neighbourLines(ctx, network.name, endpoint, id)),
  );
  return [BEGIN, ...lines, END];
}

function neighbourLines(ctx: Context, network: string, endpoint: Endpoint, self: string): string[] {
  const other = ctx.state.containers.get(endpoint.container);
  if (other === undefined || (other.id !== self && !isInUse(ctx, other.id))) return [];
  const attachment = other.config.network.networks.find(({ name }) => name === network);
  const names = new Set([
    other.name,
    ...(attachment?.aliases ?? []),
    other.id.slice(0, 12),
    effectiveHostname(other),
  ]);
  return addressesOf(endpoint).map((address) => `${address}\t${[...names].join(" ")}`);
}

/**
 * Tells every running member of these networks who its neighbours are now. The files are rewritten in place, since they
 * are bound into the containers. Whoever changes an endpoint calls this after it; a writer that was overtaken sees that in
 * its second look.
 */
export function refreshNeighbours(
  ctx: Context,
  networks: readonly { readonly id: string; readonly dns: boolean }[],
): void {
  const members = new Set(
    networks
      .filter(({ dns }) => dns)
      .flatMap(({ id }) => ctx.state.networks.endpointsOn(id).map(({ container }) => container)),
  );
  for (const id of members) {
    const record = ctx.state.containers.get(id);
    if (record === undefined || !isInUse(ctx, id)) continue;
    for (let attempt = 0; attempt < 5 && refreshOne(ctx, record); attempt++);
  }
}

/** A running container has come to other networks: the whole file is written anew, in place. */
export function rewriteHosts(ctx: Context, record: ContainerRecord, networking: Networking): void {
  const text = hostsText(ctx, record, networking);
  if (text !== undefined) changeInPlace(ctx, record, () => text);
}

/** True if there was something to change. */
function refreshOne(ctx: Context, record: ContainerRecord): boolean {
  const lines = neighbourBlock(ctx, record, membersOf(ctx, record));
  return changeInPlace(ctx, record, (text) => replaceBlock(text, lines));
}

function changeInPlace(ctx: Context, record: ContainerRecord, change: (text: string) => string): boolean {
  const path = join(containerDir(ctx.paths, record.id), "hosts");
  let fd: number;
  try {
    fd = openSync(path, "r+");
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return false; // --no-hosts, or removed meanwhile
    throw error;
  }
  try {
    const before = readFileSync(fd, "utf8");
    const after = change(before);
    if (after === before) return false;
    writeSync(fd, after, 0);
    ftruncateSync(fd, Buffer.byteLength(after));
    return true;
  } finally {
    closeSync(fd);
  }
}

/** The text with the block's lines exchanged; a file without one gets it at its end. */
export function replaceBlock(text: string, block: readonly string[]): string {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const begin = lines.indexOf(BEGIN);
  const end = lines.indexOf(END, begin);
  const found = begin >= 0 && end > begin;
  const before = found ? lines.slice(0, begin) : lines;
  const after = found ? lines.slice(end + 1) : [];
  return [...before, ...block, ...after].map((line) => `${line}\n`).join("");
}
