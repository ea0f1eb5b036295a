/** Networks as containers use them: who is on one, joining and leaving while running, removal. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ConflictError, NotFoundError } from "../base/index.ts";
import { isAlive, loadIdMaps, netDir } from "../host/index.ts";
import {
  DEFAULT_NETWORK,
  findNetwork,
  findUplink,
  forwardTarget,
  inspectNetwork,
  type Membership,
  planNetwork,
  removeNetworkFilters,
  writeNetworkEvent,
} from "../network/index.ts";
import {
  holdfastPath,
  kelpCommand,
  lowerConnect,
  lowerReload,
  lowerRemoveBridge,
  type Plan,
  readStatus,
  retargetPorts,
  runPlan,
  writePlan,
} from "../runtime/index.ts";
import {
  type ContainerRecord,
  type Context,
  type NetworkAttachment,
  type NetworkPlan,
  type NetworkRecord,
  writeContainerEvent,
  writeEvent,
} from "../state/index.ts";
import { helperEnvironment } from "./helper-env.ts";
import { refreshNeighbours, rewriteHosts } from "./hosts.ts";
import { leaseAll, membersOf } from "./network.ts";
import { removeContainer } from "./remove.ts";
import { statusOf } from "./status.ts";
import { socketPath } from "./stop.ts";
import { isRunning } from "./view.ts";

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
  const running = usingNetwork(ctx, network).filter((record) => isRunning(statusOf(ctx, record)));
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
  const users = usingNetwork(ctx, network);
  if (users.length > 0 && options.force !== true) {
    throw new ConflictError(
      "network-in-use",
      `${JSON.stringify(network.name)} has associated containers with it. Use -f to forcibly delete containers and pods: network is being used`,
      { exitCode: 2 },
    );
  }
  for (const user of users) await removeContainer(ctx, user, { force: true, timeout: options.timeout });
  ctx.state.networks.remove(network.id);
  writeNetworkEvent(ctx, "remove", network);
  if (isShared(ctx)) {
    const empty = planNetwork(ctx, [], {});
    const input = changeInput(ctx, "network", empty);
    await carryOut(ctx, lowerRemoveBridge(input, network.bridge, removeNetworkFilters(network.bridge)));
  }
}

/** Whether anybody holds the shared network namespace; if not, nothing of any network exists in the kernel. */
function isShared(ctx: Context): boolean {
  try {
    return readdirSync(netDir(ctx.paths)).some((name) => {
      const [pid = "", start = ""] = name.split("-");
      return /^\d+$/.test(pid) && /^\d+$/.test(start) && isAlive(Number(pid), BigInt(start));
    });
  } catch {
    return false;
  }
}

function changeInput(ctx: Context, id: string, network: NetworkPlan) {
  const { paths } = ctx;
  const argv = [
    ...kelpCommand(),
    "__failed",
    id,
    changePath(ctx),
    paths.data,
    paths.runtime,
    "exec-detached",
  ];
  return { paths, maps: loadIdMaps(), network, onFailure: { argv, env: helperEnvironment(ctx) } };
}

function changePath(ctx: Context): string {
  return join(ctx.paths.runtime, `network-${process.pid}.plan`);
}

/** The exit status of holdfast; it has said what went wrong, and removed the plan after reading it. */
async function carryOut(ctx: Context, plan: Plan): Promise<number> {
  const path = changePath(ctx);
  writePlan(path, plan);
  const status = await runPlan(holdfastPath(ctx.paths), "enter", path);
  rmSync(path, { force: true });
  return status;
}

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
  const { networks } = record.config.network;
  if (networks.some(({ name }) => name === network.name)) {
    throw new ConflictError(
      "already-connected",
      `container ${record.id} is already connected to network ${JSON.stringify(network.name)}: network is already connected`,
    );
  }
  const changed = withNetworks(record, [...networks, attachment]);
  ctx.state.containers.setConfig(record.id, changed.config);
  const status = await connectNow(ctx, changed, network);
  if (status !== 0) {
    ctx.state.containers.setConfig(record.id, record.config);
    ctx.state.networks.detach(record.id, network.id);
    return status;
  }
  await tellAll(ctx, changed, network);
  writeEvent(ctx, {
    type: "network",
    status: "connect",
    id: record.id,
    name: record.name,
    network: network.name,
  });
  return 0;
}

async function connectNow(ctx: Context, record: ContainerRecord, network: NetworkRecord): Promise<number> {
  const live = isRunning(statusOf(ctx, record)) ? readStatus(ctx.paths, record.id) : undefined;
  if (live === undefined) return 0;
  const members = leaseAll(ctx, record);
  const index = members.findIndex((member) => member.network.id === network.id);
  const uplink = network.internal ? {} : findUplink(ctx);
  const whole = planNetwork(ctx, members, uplink);
  const plan: NetworkPlan = {
    ...whole,
    bridges: whole.bridges.slice(index, index + 1),
    interfaces: whole.interfaces.slice(index, index + 1),
  };
  return carryOut(ctx, lowerConnect(changeInput(ctx, record.id, plan), live.init));
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
  const changed = withNetworks(
    record,
    networks.filter(({ name }) => name !== network.name),
  );
  const endpoint = ctx.state.networks.endpoint(network.id, record.id);
  const live = isRunning(statusOf(ctx, record)) ? readStatus(ctx.paths, record.id) : undefined;
  if (live !== undefined && endpoint !== undefined) {
    const input = changeInput(ctx, record.id, planNetwork(ctx, [], {}));
    const status = await carryOut(ctx, lowerConnect(input, live.init, [endpoint.interfaceName]));
    if (status !== 0) return status;
  }
  ctx.state.containers.setConfig(record.id, changed.config);
  ctx.state.networks.detach(record.id, network.id);
  await tellAll(ctx, changed, network);
  writeEvent(ctx, {
    type: "network",
    status: "disconnect",
    id: record.id,
    name: record.name,
    network: network.name,
  });
  return 0;
}

/** The container's own names, its neighbours, and the monitor that forwards to its address. */
async function tellAll(ctx: Context, record: ContainerRecord, network: NetworkRecord): Promise<void> {
  const members = membersOf(ctx, record);
  const open = members.some((member) => !member.network.internal);
  if (isRunning(statusOf(ctx, record))) {
    rewriteHosts(ctx, record, { members, plan: undefined, uplink: open ? findUplink(ctx) : {} });
    const target = forwardTarget(members);
    if (record.config.network.ports.length > 0)
      await retargetPorts(socketPath(ctx, record.id), target.address, target.prefix);
  }
  refreshNeighbours(ctx, [network]);
}

function withNetworks(record: ContainerRecord, networks: readonly NetworkAttachment[]): ContainerRecord {
  const { config } = record;
  return { ...record, config: { ...config, network: { ...config.network, networks } } };
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
  if (!isRunning(statusOf(ctx, record)) || record.config.network.mode !== "bridge") return 0;
  const plan = planNetwork(ctx, members, findUplink(ctx));
  const input = changeInput(ctx, record.id, { ...plan, interfaces: [] });
  return carryOut(ctx, lowerReload(input));
}

function tellNeighbours(ctx: Context, members: readonly Membership[]): void {
  refreshNeighbours(
    ctx,
    members.map(({ network }) => network),
  );
}
