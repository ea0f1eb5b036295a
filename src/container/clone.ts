/** `container clone`: a new container with the configuration of another. */
import { join } from "node:path";
import { ConflictError } from "../base/index.ts";
import { containerDir } from "../host/index.ts";
import { displayName, resolveImage } from "../image/index.ts";
import {
  type ContainerConfig,
  type ContainerRecord,
  type Context,
  newId,
  writeContainerEvent,
} from "../state/index.ts";
import { checkCgroup } from "./cgroup.ts";
import { requireParts } from "./create.ts";
import { checkContainerName } from "./name.ts";
import { removeContainer } from "./remove.ts";
import { statusOf } from "./status.ts";
import { userNamespace } from "./userns.ts";
import { isRunning } from "./view.ts";
import { ensureVolumes } from "./volumes.ts";

export interface CloneRequest {
  /** Absent: the original's with `-clone`. */
  readonly name?: string | undefined;
  /** Another image for the same configuration. */
  readonly image?: string | undefined;
  /** Limits in place of the original's. */
  readonly resources: ContainerConfig["resources"];
  /** The original goes; with `force` even if it runs. */
  readonly destroy: boolean;
  readonly force: boolean;
  readonly argv: readonly string[];
}

/**
 * What belongs to one container alone is not taken along: its ID, files named after it, unnamed volumes, fixed addresses, ids of
 * --userns auto.
 *
 * @throws {ConflictError} if the name is in use, or the original is to go and runs
 */
export async function cloneContainer(
  ctx: Context,
  original: ContainerRecord,
  request: CloneRequest,
): Promise<ContainerRecord> {
  ctx.state.expectWrites();
  if (request.destroy && !request.force && isRunning(statusOf(ctx, original)))
    throw new ConflictError(
      "container-running",
      `cannot destroy container ${original.name}: it is running: container state improper`,
      { hint: "stop it first, or use --force" },
    );
  const name = checkContainerName(request.name || freeName(ctx, original.name));
  const image = request.image ? await otherImage(ctx, request.image) : {};
  const id = newId();
  const config = { ...copyConfig(ctx, original, id), ...image, createCommand: ["kelp", ...request.argv] };
  const resources = { ...config.resources, ...request.resources };
  checkCgroup(ctx, { ...config, resources });
  const record = ctx.state.transaction(
    () => {
      requireParts(ctx, config);
      const mounts = ensureVolumes(ctx, config.mounts);
      return ctx.state.containers.create({ id, name, config: { ...config, resources, mounts } });
    },
    { durable: true },
  );
  writeContainerEvent(ctx, "create", record);
  if (request.destroy) await removeContainer(ctx, original, { force: request.force });
  return record;
}

function freeName(ctx: Context, name: string): string {
  const base = `${name}-clone`;
  for (let number = 0; ; number++) {
    const candidate = number === 0 ? base : `${base}${number}`;
    if (ctx.state.containers.byName(candidate) === undefined) return candidate;
  }
}

async function otherImage(
  ctx: Context,
  name: string,
): Promise<Pick<ContainerConfig, "image" | "imageName" | "rawImageName">> {
  const found = await resolveImage(ctx, name);
  return { image: found.record.id, imageName: displayName(found), rawImageName: name };
}

function copyConfig(ctx: Context, { id: from, config }: ContainerRecord, to: string): ContainerConfig {
  const { cidFile: _cid, pidFile: _pid, conmonPidFile: _monitor, creator: _creator, ...kept } = config;
  const own = containerDir(ctx.paths, from);
  const { path } = config.log;
  return {
    ...kept,
    log: path.startsWith(`${own}/`)
      ? { ...config.log, path: join(containerDir(ctx.paths, to), path.slice(own.length + 1)) }
      : config.log,
    mounts: config.mounts.map((mount) => freshVolume(ctx, mount)),
    network: {
      ...config.network,
      networks: config.network.networks.map(({ ip: _ip, ip6: _ip6, mac: _mac, ...network }) => network),
    },
    ...ownIds(ctx, config),
  };
}

function freshVolume(
  ctx: Context,
  mount: ContainerConfig["mounts"][number],
): ContainerConfig["mounts"][number] {
  if (mount.type !== "volume" || mount.source === undefined) return mount;
  if (ctx.state.volumes.get(mount.source)?.anonymous !== true) return mount;
  const { source: _name, ...rest } = mount;
  return rest;
}

/** Ranges of --userns auto are disjoint; any other map may be shared. */
function ownIds(ctx: Context, { namespaces }: ContainerConfig): Pick<ContainerConfig, "ownIds"> {
  if (!namespaces.user.startsWith("auto")) return {};
  const { ownIds: ids } = userNamespace(ctx, { userns: namespaces.user }, "");
  return ids === undefined ? {} : { ownIds: ids };
}
