/** Volumes as they lie on the disk: under another name, and those that the records do not know. */
import { existsSync, readdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConflictError } from "../base/index.ts";
import { type Context, type VolumeRecord, writeEvent } from "../state/index.ts";
import { checkVolumeName, createVolume, volumeDir, volumesDir } from "./store.ts";

/**
 * Gives a volume another name; its directory goes along. Nothing may use it.
 *
 * @throws {ConflictError} `volume-exists`
 */
export function renameVolume(ctx: Context, volume: VolumeRecord, name: string): VolumeRecord {
  checkVolumeName(name);
  const from = dirname(volume.mountpoint);
  const to = volumeDir(ctx, name);
  const renamed = ctx.state.transaction(() => {
    if (ctx.state.volumes.get(name) !== undefined || existsSync(to))
      throw new ConflictError(
        "volume-exists",
        `volume with name ${name} already exists: volume already exists`,
      );
    ctx.state.volumes.remove(volume.name);
    const record = ctx.state.volumes.create({ ...volume, name, mountpoint: join(to, "_data") });
    renameSync(from, to);
    return record;
  });
  writeEvent(ctx, { type: "volume", status: "rename", name });
  return renamed;
}

export interface Reloaded {
  readonly added: readonly string[];
  /** Volumes whose directory is gone. */
  readonly missing: readonly string[];
}

/** Directories of volumes that no record knows (a database that was lost) become volumes again. */
export function reloadVolumes(ctx: Context): Reloaded {
  const known = ctx.state.volumes.list();
  const names = new Set(known.map(({ name }) => name));
  const found = directories(volumesDir(ctx)).filter((name) => !names.has(name));
  const added = found.filter((name) => existsSync(join(volumesDir(ctx), name, "_data")));
  for (const name of added) createVolume(ctx, { name });
  const missing = known.filter(({ mountpoint }) => !existsSync(mountpoint)).map(({ name }) => name);
  return { added, missing };
}

function directories(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}
