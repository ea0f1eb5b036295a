/** Volumes as containers use them: where they lie, and which are made with a container. */
import { NotFoundError } from "../base/index.ts";
import type { Context, MountConfig } from "../state/index.ts";
import { ensureVolume, newVolumeName } from "../volume/index.ts";

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
