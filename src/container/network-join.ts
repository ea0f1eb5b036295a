/** A container's networks after it was made: joining and leaving while it runs, another name, what has got lost. */
import { ConflictError, NotFoundError } from "../base/index.ts";
import { readIfExists } from "../host/index.ts";
import { findUplink, forwardTarget, type Membership, planNetwork, requireNetwork } from "../network/index.ts";
import { lowerConnect, lowerReload, readStatus, retargetPorts } from "../runtime/index.ts";
import {
  type ContainerRecord,
  type Context,
  type LinkRoute,
  type NetworkAttachment,
  type NetworkPlan,
  type NetworkRecord,
  writeContainerEvent,
  writeEvent,
} from "../state/index.ts";
import { rewriteHosts } from "./hosts.ts";
import { refreshNeighbours } from "./neighbours.ts";
import { leaseAll, membersOf, networkingOf } from "./network.ts";
import { carryOut, changeInput } from "./network-change.ts";
import { refreshResolv } from "./resolv.ts";
import { statusOf } from "./status.ts";
import { socketPath } from "./stop.ts";
import { isLive } from "./view.ts";

/**
 * Puts a container on one more network, at once if it runs.
 *
 * @returns the exit status; what failed inside has been said already
 */
export async function connectNetwork(
  ctx: Context,
  record: ContainerRecord,
  network: NetworkRecord,
  attachment: NetworkAttachment,
): Promise<number> {
  requireBridge(record);
  const before = membersOf(ctx, record);
  const changed = changeNetworks(ctx, record, (networks) => {
    requireNetwork(ctx, network.id);
    if (networks.some(({ name }) => name === network.name)) throw alreadyConnected(record, network);
    return [...networks, attachment];
  });
  const status = await connectNow(ctx, changed, network);
  if (status !== 0) {
    changeNetworks(ctx, record, without(network));
    ctx.state.networks.detach(record.id, network.id);
    refreshNeighbours(ctx, [network]);
    return status;
  }
  await tellAll(ctx, changed, network, before);
  writeEvent(ctx, {
    type: "network",
    status: "connect",
    id: record.id,
    name: record.name,
    network: network.name,
  });
  return 0;
}

function alreadyConnected({ id }: ContainerRecord, { name }: NetworkRecord): ConflictError {
  return new ConflictError(
    "already-connected",
    `container ${id} is already connected to network ${JSON.stringify(name)}: network is already connected`,
  );
}

async function connectNow(ctx: Context, record: ContainerRecord, network: NetworkRecord): Promise<number> {
  const live = isLive(statusOf(ctx, record)) ? readStatus(ctx.paths, record.id) : undefined;
  if (live === undefined) return 0;
  const members = leaseAll(ctx, record, true);
  const index = members.findIndex((member) => member.network.id === network.id);
  const uplink = network.internal ? {} : findUplink(ctx);
  const whole = planNetwork(ctx, members, uplink);
  const used = usedMetrics(live.init.pid);
  const plan: NetworkPlan = {
    ...whole,
    bridges: whole.bridges.slice(index, index + 1),
    interfaces: whole.interfaces
      .slice(index, index + 1)
      .map((entry) => ({ ...entry, routes: entry.routes.map((route) => withFreeMetric(route, used)) })),
  };
  // A name server that is started with nothing to say would end again.
  refreshNeighbours(ctx, [network]);
  return carryOut(ctx, lowerConnect(changeInput(ctx, record.id, plan), live.init));
}

/** Of the default routes of a process's network, as `4 100` and `6 100`: the kernel takes each once. */
function usedMetrics(pid: number): Set<string> {
  const lines = (file: string) =>
    (readIfExists(`/proc/${pid}/net/${file}`) ?? "").split("\n").map((line) => line.split(/\s+/));
  const v4 = lines("route").flatMap((words) => (words[1] === "00000000" ? [`4 ${Number(words[6])}`] : []));
  const v6 = lines("ipv6_route").flatMap(([destination = "", , , , , metric = ""]) =>
    /^0+$/.test(destination) ? [`6 ${Number.parseInt(metric, 16)}`] : [],
  );
  return new Set([...v4, ...v6]);
}

function withFreeMetric(route: LinkRoute, used: ReadonlySet<string>): LinkRoute {
  const family = route.gateway.length === 16 ? 6 : 4;
  let { metric } = route;
  while (route.destination.length === 0 && used.has(`${family} ${metric}`)) metric++;
  return { ...route, metric };
}

/** Takes a container off a network, at once if it runs. @throws {NotFoundError} if it is not on it */
export async function disconnectNetwork(
  ctx: Context,
  record: ContainerRecord,
  network: NetworkRecord,
): Promise<number> {
  requireBridge(record);
  const { networks } = record.config.network;
  if (!networks.some(({ name }) => name === network.name)) {
    throw new NotFoundError(
      "not-connected",
      `container ${record.id} is not connected to network ${JSON.stringify(network.name)}: network is not connected`,
    );
  }
  const endpoint = ctx.state.networks.endpoint(network.id, record.id);
  const before = membersOf(ctx, record);
  const live = isLive(statusOf(ctx, record)) ? readStatus(ctx.paths, record.id) : undefined;
  if (live !== undefined && endpoint !== undefined) {
    const input = changeInput(ctx, record.id, planNetwork(ctx, [], {}));
    const status = await carryOut(ctx, lowerConnect(input, live.init, [endpoint.interfaceName]));
    if (status !== 0) return status;
  }
  const changed = changeNetworks(ctx, record, without(network));
  ctx.state.networks.detach(record.id, network.id);
  await tellAll(ctx, changed, network, before);
  writeEvent(ctx, {
    type: "network",
    status: "disconnect",
    id: record.id,
    name: record.name,
    network: network.name,
  });
  return 0;
}

/** The container's own names, its neighbours, and the monitor that forwards to its address. @param before where it was */
async function tellAll(
  ctx: Context,
  record: ContainerRecord,
  network: NetworkRecord,
  before: readonly Membership[],
): Promise<void> {
  const members = membersOf(ctx, record);
  if (isLive(statusOf(ctx, record))) {
    const now = networkingOf(ctx, members);
    rewriteHosts(ctx, record, now);
    refreshResolv(ctx, record, now, networkingOf(ctx, before));
    const target = forwardTarget(members);
    if (record.config.network.ports.length > 0)
      await retargetPorts(socketPath(ctx, record.id), target.address, target.prefix);
  }
  refreshNeighbours(ctx, [network]);
}

type Attachments = readonly NetworkAttachment[];

/** Others may change the same record at the same time. */
function changeNetworks(
  ctx: Context,
  { id }: ContainerRecord,
  change: (networks: Attachments) => Attachments,
): ContainerRecord {
  return ctx.state.containers.changeConfig(id, (config) => ({
    ...config,
    network: { ...config.network, networks: change(config.network.networks) },
  }));
}

function without(network: NetworkRecord) {
  return (networks: Attachments) => networks.filter(({ name }) => name !== network.name);
}

function requireBridge({ config }: ContainerRecord): void {
  if (config.network.mode === "bridge") return;
  throw new ConflictError(
    "not-a-bridge",
    `${JSON.stringify(config.network.mode.split(":")[0])} is not supported: invalid network mode`,
    { hint: "Only containers of kelp's own networks can change networks." },
  );
}

/** Gives a container another name, of which its neighbours are told. */
export function renameContainer(ctx: Context, record: ContainerRecord, name: string): void {
  ctx.state.containers.rename(record.id, name);
  writeContainerEvent(ctx, "rename", { ...record, name });
  tellNeighbours(ctx, membersOf(ctx, record));
}

/** Makes what may be missing of a running container's networks: bridges, filters, the uplink, names. */
export async function reloadNetworks(ctx: Context, record: ContainerRecord): Promise<number> {
  const members = membersOf(ctx, record);
  tellNeighbours(ctx, members);
  if (!isLive(statusOf(ctx, record)) || record.config.network.mode !== "bridge") return 0;
  const now = networkingOf(ctx, members);
  refreshResolv(ctx, record, now);
  const input = changeInput(ctx, record.id, {
    ...planNetwork(ctx, members, findUplink(ctx)),
    interfaces: [],
  });
  return carryOut(ctx, lowerReload(input));
}

function tellNeighbours(ctx: Context, members: readonly Membership[]): void {
  refreshNeighbours(
    ctx,
    members.map(({ network }) => network),
  );
}
