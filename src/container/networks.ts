/** Networks as containers use them: who is on one, other name servers, removal. */
import { ConflictError } from "../base/index.ts";
import {
  changeServers,
  DEFAULT_NETWORK,
  findNetwork,
  inspectNetwork,
  planNetwork,
  removeNetworkFilters,
  writeNames,
  writeNetworkEvent,
} from "../network/index.ts";
import { lowerRemoveBridge } from "../runtime/index.ts";
import type { ContainerRecord, Context, NetworkRecord } from "../state/index.ts";
import { refreshNeighbours } from "./neighbours.ts";
import { membersOf, networkingOf } from "./network.ts";
import { carryOut, changeInput, isShared } from "./network-change.ts";
import { removeContainer } from "./remove.ts";
import { refreshResolv } from "./resolv.ts";
import { statusOf } from "./status.ts";
import { isLive } from "./view.ts";

/** Containers that name the network, running or not. */
export function usingNetwork(ctx: Context, network: NetworkRecord): ContainerRecord[] {
  return ctx.state.containers
    .list()
    .filter(({ config }) =>
      config.network.networks.some(({ name }) => findNetwork(ctx, name)?.id === network.id),
    );
}

/** podman's inspection with the running containers on it. */
export function inspectNetworkMembers(ctx: Context, network: NetworkRecord) {
  const running = usingNetwork(ctx, network).filter((record) => isLive(statusOf(ctx, record)));
  return inspectNetwork(ctx, network, new Map(running.map(({ id, name }) => [id, name])));
}

/**
 * Removes a network; with `force` the containers on it as well.
 *
 * @throws {ConflictError} if it is the default one, or in use (exit status 2)
 */
export async function removeNetwork(
  ctx: Context,
  network: NetworkRecord,
  options: { readonly force?: boolean; readonly timeout?: number | undefined } = {},
  asked = network.name,
): Promise<void> {
  if (network.name === DEFAULT_NETWORK)
    throw new ConflictError("default-network", `default network ${asked} cannot be removed`);
  const users = options.force === true ? usingNetwork(ctx, network) : [];
  for (const user of users) await removeContainer(ctx, user, { force: true, timeout: options.timeout });
  ctx.state.transaction(() => {
    if (usingNetwork(ctx, network).length > 0) throw networkInUse(network);
    ctx.state.networks.remove(network.id);
  });
  writeNames(ctx, network, []);
  writeNetworkEvent(ctx, "remove", network);
  if (isShared(ctx)) {
    const empty = planNetwork(ctx, [], {});
    const input = changeInput(ctx, "network", empty);
    await carryOut(ctx, lowerRemoveBridge(input, network.bridge, removeNetworkFilters(network.bridge)));
  }
}

function networkInUse({ name }: NetworkRecord): ConflictError {
  return new ConflictError(
    "network-in-use",
    `${JSON.stringify(name)} has associated containers with it. Use -f to forcibly delete containers and pods: network is being used`,
    { exitCode: 2 },
  );
}

/** What `network update` changes. */
export interface NetworkChange {
  readonly add: readonly string[];
  readonly drop: readonly string[];
}

/**
 * Other name servers for a network, known at once where it has one of its own to ask them; else containers that run are told by
 * their resolv.conf.
 *
 * @throws {ConflictError} for the default network, {UsageError} for what is no address
 */
export function updateNetwork(ctx: Context, network: NetworkRecord, { add, drop }: NetworkChange): void {
  const members = ctx.state.networks
    .endpointsOn(network.id)
    .flatMap(({ container }) => ctx.state.containers.get(container) ?? [])
    .filter((record) => isLive(statusOf(ctx, record)));
  const before = new Map(members.map((record) => [record.id, networkingOf(ctx, membersOf(ctx, record))]));
  const updated = changeServers(ctx, network, add, drop);
  refreshNeighbours(ctx, [updated]);
  for (const record of members)
    refreshResolv(ctx, record, networkingOf(ctx, membersOf(ctx, record)), before.get(record.id));
}
