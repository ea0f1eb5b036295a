/** Volumes as containers use them: where they lie, and which are made with a container. */
import { ConflictError, NotFoundError, nearHint } from "../base/index.ts";
import type { Context, MountConfig, VolumeRecord } from "../state/index.ts";
import { ensureVolume, isElsewhere, newVolumeName, volumeSource } from "../volume/index.ts";
import { forgetVolume } from "./sweep.ts";
import { removeTrees } from "./trees.ts";

/** Host directories of the named volumes among the mounts. */
export function volumePaths(ctx: Context, mounts: readonly MountConfig[]): Map<string, string> {
  const paths = new Map<string, string>();
  for (const mount of mounts) {
    if (mount.type !== "volume" || mount.source === undefined) continue;
    const volume = ctx.state.volumes.get(mount.source);
    if (volume !== undefined) paths.set(mount.source, volume.mountpoint);
  }
  return paths;
}

/** Volumes that are something else than a directory of their own become what they stand for. */
export function volumeMounts(ctx: Context, mounts: readonly MountConfig[]): MountConfig[] {
  return mounts.map((mount) => {
    if (mount.type !== "volume" || mount.source === undefined) return mount;
    const volume = ctx.state.volumes.get(mount.source);
    if (volume === undefined || !isElsewhere(volume)) return mount;
    const { type, path, options } = volumeSource(volume);
    const words = [...options, ...mount.options];
    if (type === "bind") return { ...mount, type, source: path, options: words };
    const { source: _name, ...rest } = mount;
    const kept = words.filter((word) => !["copy", "nocopy", "nocreate"].includes(word));
    return { ...rest, type, options: [...kept, "notmpcopyup"] };
  });
}

/** Mounts that name no volume get a new anonymous one; missing named ones are made unless `nocreate` is given. */
export function ensureVolumes(ctx: Context, mounts: readonly MountConfig[]): MountConfig[] {
  return mounts.map((mount) => {
    if (mount.type !== "volume") return mount;
    const name = mount.source ?? newVolumeName();
    if (mount.options.includes("nocreate") && ctx.state.volumes.get(name) === undefined) {
      throw new NotFoundError(
        "no-such-volume",
        `no volume with name ${JSON.stringify(name)} found: no such volume`,
      );
    }
    ensureVolume(ctx, { name, anonymous: mount.source === undefined });
    return { ...mount, source: name };
  });
}

/**
 * Removes a volume; with `force` the containers that use it as well.
 *
 * @throws {ConflictError} if containers use it (exit status 2)
 */
export async function removeVolume(
  ctx: Context,
  volume: VolumeRecord,
  options: { readonly force?: boolean; readonly timeout?: number | undefined } = {},
): Promise<void> {
  const users = ctx.state.containers.usingVolume(volume.name);
  if (options.force === true) {
    const { removeContainer } = await import("./remove.ts");
    for (const user of users) await removeContainer(ctx, user, { force: true, timeout: options.timeout });
  }
  const tree = ctx.state.transaction(() => {
    requireUnused(ctx, volume.name);
    return forgetVolume(ctx, volume);
  });
  if (tree !== undefined) await removeTrees(ctx, [tree]);
}

/** In the transaction that removes it: a container may have been created meanwhile, or the volume be gone. */
function requireUnused(ctx: Context, name: string): void {
  if (ctx.state.volumes.get(name) === undefined) throw noSuchVolume(ctx, name);
  const users = ctx.state.containers.usingVolume(name);
  if (users.length === 0) return;
  const ids = users.map((user) => user.id).join(", ");
  throw new ConflictError(
    "volume-in-use",
    `volume ${name} is being used by the following container(s): ${ids}: volume is being used`,
    { exitCode: 2 },
  );
}

/**
 * A volume by its name, or by the beginning of exactly one name.
 *
 * @throws {NotFoundError}
 */
export function volumeByName(ctx: Context, name: string): VolumeRecord {
  const exact = ctx.state.volumes.get(name);
  if (exact !== undefined) return exact;
  const found = name === "" ? [] : ctx.state.volumes.list().filter((volume) => volume.name.startsWith(name));
  if (found.length > 1)
    throw new ConflictError(
      "ambiguous-name",
      `more than one result for volume name ${name}: volume already exists`,
    );
  if (found[0] !== undefined) return found[0];
  throw noSuchVolume(ctx, name);
}

function noSuchVolume(ctx: Context, name: string): NotFoundError {
  const names = ctx.state.volumes.list().map((volume) => volume.name);
  return new NotFoundError(
    "no-such-volume",
    `no volume with name ${JSON.stringify(name)} found: no such volume`,
    { exitCode: 1, ...nearHint(name, names, "`kelp volume ls` lists the volumes") },
  );
}
