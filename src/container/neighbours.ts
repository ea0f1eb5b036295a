/**
 * Who is on a network under which names: told to its members by a part of their /etc/hosts, and to the networks' name server
 * where there is one.
 */
import { hostname as machineName } from "node:os";
import { findNameServer, type Membership, writeNames } from "../network/index.ts";
import type { ContainerRecord, Context, Endpoint, NetworkRecord } from "../state/index.ts";
import { changeInPlace } from "./bound-file.ts";
import { recordInUse } from "./claim.ts";
import { membersOf } from "./network.ts";
import { NO_RESOLV } from "./resolv.ts";

/** Between these lines of a hosts file it is kelp's; around them it may be changed by hand. */
const BEGIN = "# neighbours, kept by kelp";
const END = "# end of neighbours";
/** Looks at what others may have changed meanwhile. */
const LOOKS = 5;

/** The name the container's processes see. */
export function effectiveHostname({ config, id }: ContainerRecord): string {
  return config.namespaces.uts === "host" ? machineName() : config.hostname || id.slice(0, 12);
}

export function addressesOf({ ip, ip6 }: Endpoint): string[] {
  return [ip, ip6].filter((address) => address !== undefined);
}

interface Neighbour {
  readonly record: ContainerRecord;
  readonly endpoint: Endpoint;
  readonly names: readonly string[];
}

/** Those who run or are about to. */
function neighboursOn(ctx: Context, network: NetworkRecord): Neighbour[] {
  return ctx.state.networks.endpointsOn(network.id).flatMap((endpoint) => {
    const record = recordInUse(ctx, endpoint.container);
    if (record === undefined) return [];
    const attachment = record.config.network.networks.find(({ name }) => name === network.name);
    const names = [
      record.name,
      ...(attachment?.aliases ?? []),
      record.id.slice(0, 12),
      effectiveHostname(record),
    ];
    return [{ record, endpoint, names: [...new Set(names)] }];
  });
}

function hostsLines(neighbours: readonly Neighbour[]): string[] {
  return neighbours.flatMap(({ endpoint, names }) =>
    addressesOf(endpoint).map((address) => `${address}\t${names.join(" ")}`),
  );
}

/** The part of a hosts file that names a container's neighbours, itself among them. */
export function neighbourBlock(ctx: Context, members: readonly Membership[]): string[] {
  return blockOf(members, (network) => hostsLines(neighboursOn(ctx, network)));
}

function blockOf(
  members: readonly Membership[],
  linesOn: (network: NetworkRecord) => readonly string[],
): string[] {
  const named = members.filter(({ network }) => network.dns);
  return named.length === 0 ? [] : [BEGIN, ...named.flatMap(({ network }) => linesOn(network)), END];
}

/**
 * Tells every running member of these networks, and their name server, who is there now. Whoever changes an endpoint calls this
 * after it; a writer that was overtaken sees that in its second look.
 */
export function refreshNeighbours(ctx: Context, networks: readonly NetworkRecord[]): void {
  const named = networks.filter(({ dns }) => dns);
  if (named.length === 0) return;
  for (let look = 0; look < LOOKS && refreshOnce(ctx, named); look++);
}

const gathering = new WeakMap<Context, { networks: Map<string, NetworkRecord>; told: Promise<void> }>();

/** The same once for all members that leave at about the same time: while some are told of, others gather. */
export function refreshNeighboursSoon(ctx: Context, networks: readonly NetworkRecord[]): Promise<void> {
  const batch = gathering.get(ctx) ?? gather(ctx);
  for (const network of networks) batch.networks.set(network.id, network);
  return batch.told;
}

function gather(ctx: Context) {
  const networks = new Map<string, NetworkRecord>();
  const told = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
    gathering.delete(ctx);
    refreshNeighbours(ctx, [...networks.values()]);
  });
  const batch = { networks, told };
  gathering.set(ctx, batch);
  return batch;
}

/** True if there was something to change. */
function refreshOnce(ctx: Context, networks: readonly NetworkRecord[]): boolean {
  const seen = new Map<string, Neighbour[]>();
  const on = (network: NetworkRecord) => {
    const found = seen.get(network.id) ?? neighboursOn(ctx, network);
    seen.set(network.id, found);
    return found;
  };
  const lines = new Map<string, readonly string[]>();
  const linesOn = (network: NetworkRecord) => {
    const found = lines.get(network.id) ?? hostsLines(on(network));
    lines.set(network.id, found);
    return found;
  };
  let changed = false;
  if (findNameServer(ctx) !== undefined)
    for (const network of networks) changed = tellNameServer(ctx, network, on(network)) || changed;
  const records = new Map(networks.flatMap(on).map(({ record }) => [record.id, record]));
  for (const record of records.values()) {
    const block = blockOf(membersOf(ctx, record), linesOn);
    changed = changeInPlace(ctx, record, "hosts", (text) => replaceBlock(text, block)) || changed;
  }
  return changed;
}

function tellNameServer(ctx: Context, network: NetworkRecord, neighbours: readonly Neighbour[]): boolean {
  const entries = neighbours.map(({ record, endpoint: { ip, ip6 }, names }) => {
    const servers = record.config.network.dns.filter((server) => server !== NO_RESOLV);
    return { container: record.id, ip, ip6, names, servers };
  });
  return writeNames(ctx, network, entries);
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
