/** What a container's start does about its networks: addresses, the plan, the files that name its neighbours. */
import { log } from "../base/index.ts";
import { ensureDir, netDir } from "../host/index.ts";
import {
  findNetwork,
  findUplink,
  isOwnStack,
  leaseEndpoint,
  type Membership,
  type OwnStack,
  planNetwork,
  planOwnStack,
  requireNetwork,
  type Uplink,
  uplinkNotice,
} from "../network/index.ts";
import type { ContainerRecord, Context, NetworkPlan, PortMapping } from "../state/index.ts";
import { isInUse } from "./claim.ts";

export interface Networking {
  readonly members: readonly Membership[];
  readonly plan: NetworkPlan | undefined;
  readonly uplink: Uplink;
  /** With a stack of its own instead of networks. */
  readonly own?: OwnStack;
}

const NONE: Networking = { members: [], plan: undefined, uplink: {} };

/**
 * Takes the container's addresses and plans its interfaces; for containers of kelp's own networks, and those that have
 * a network stack of their own.
 *
 * @throws {ConflictError} if an address is taken or none is left
 */
export function prepareNetwork(ctx: Context, record: ContainerRecord): Networking {
  const { mode, ports } = record.config.network;
  if (isOwnStack(mode)) {
    const own = planOwnStack(ctx, { container: record.id, mode, ports });
    return { ...NONE, plan: own.plan, own };
  }
  if (mode !== "bridge") return NONE;
  const members = leaseAll(ctx, record);
  ensureDir(netDir(ctx.paths));
  const networking = networkingOf(ctx, members, ports);
  const notice = uplinkNotice(ctx, networking.uplink);
  if (notice !== undefined) log.warn(notice);
  return networking;
}

/** Of a container on these networks of kelp's own. */
export function networkingOf(
  ctx: Context,
  members: readonly Membership[],
  ports: readonly PortMapping[] = [],
): Networking {
  const closed = members.length > 0 && members.every(({ network }) => network.internal);
  const uplink = closed ? {} : findUplink(ctx);
  return { members, plan: planNetwork(ctx, members, uplink, ports), uplink };
}

/**
 * Takes the addresses of all its networks, and gives back those of networks it is not on any more.
 *
 * @param runs its interfaces are there already, and keep their names
 */
export function leaseAll(ctx: Context, { id, config }: ContainerRecord, runs = false): Membership[] {
  return ctx.state.transaction(
    () => {
      if (!ctx.state.containers.has(id)) throw ctx.state.containers.missing(id);
      const wanted = config.network.networks.map((attachment) => ({
        attachment,
        network: requireNetwork(ctx, attachment.name),
      }));
      const kept = new Map<string, string>();
      for (const { network, interfaceName } of ctx.state.networks.endpointsOf(id)) {
        if (!wanted.some((entry) => entry.network.id === network)) ctx.state.networks.detach(id, network);
        else if (runs) kept.set(network, interfaceName);
      }
      const names = interfaceNames(
        wanted.map(({ attachment, network }) => attachment.interfaceName ?? kept.get(network.id)),
      );
      return wanted.map(({ attachment, network }, index) => ({
        network,
        endpoint: leaseEndpoint(ctx, {
          container: id,
          network,
          attachment,
          interfaceName: names[index]!,
          alive: (other) => isInUse(ctx, other),
        }),
      }));
    },
    { durable: false },
  );
}

/** Those that have no name yet are called eth0, eth1 and so on, whatever of that is free. */
function interfaceNames(given: readonly (string | undefined)[]): string[] {
  const taken = new Set(given);
  return given.map((name) => {
    if (name !== undefined) return name;
    let number = 0;
    while (taken.has(`eth${number}`)) number++;
    taken.add(`eth${number}`);
    return `eth${number}`;
  });
}

/** The container's networks with its addresses there, from the record; for those who look. */
export function membersOf(ctx: Context, { id }: ContainerRecord): Membership[] {
  return ctx.state.networks.endpointsOf(id).flatMap((endpoint) => {
    const network = findNetwork(ctx, endpoint.network);
    return network === undefined ? [] : [{ network, endpoint }];
  });
}
