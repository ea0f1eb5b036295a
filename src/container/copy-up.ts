/** A new volume begins with what the image has at the place it is mounted on. */
import { lstatSync, readdirSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errnoCode } from "../base/index.ts";
import { temporaryName, temporaryPath } from "../host/index.ts";
import { runInside } from "../runtime/index.ts";
import type { ContainerConfig, Context, ImageRecord, MountConfig, VolumeRecord } from "../state/index.ts";
import { layerDir } from "../storage/index.ts";
import { isElsewhere, isEmptyVolume } from "../volume/index.ts";
import { isInUse } from "./claim.ts";
import { removeTrees } from "./trees.ts";

interface Target {
  readonly image: ImageRecord;
  /** The container's, where it has its own: in the volume its root owns what the image's root owns. */
  readonly ownIds: ContainerConfig["ownIds"];
}

/**
 * Fills the empty volumes among the mounts. A volume that holds anything, is mounted read-only, or was made or is mounted with `nocopy` is
 * left as it is, and so is one on a path that goes through a link: layers are read from the host, where a link would lead out.
 */
export async function copyUpVolumes(
  ctx: Context,
  { image, ownIds }: Target,
  mounts: readonly MountConfig[],
): Promise<void> {
  for (const mount of mounts) {
    if (mount.type !== "volume" || mount.source === undefined) continue;
    if (mount.options.some((word) => word === "ro" || word === "nocopy" || word.startsWith("subpath=")))
      continue;
    const volume = ctx.state.volumes.get(mount.source);
    if (volume === undefined || "nocopy" in volume.options || isElsewhere(volume)) continue;
    if (!isEmptyVolume(volume)) continue;
    const layers = await imageDirectories(ctx, image, mount.destination);
    if (layers.length > 0) await fill(ctx, layers, volume, ownIds);
  }
}

/** The layers' directories at that path, lowest first, as far as the merged view shows them. */
async function imageDirectories(ctx: Context, image: ImageRecord, path: string): Promise<string[]> {
  const names = path.split("/").filter((name) => name !== "");
  let found: string[] = [];
  for (const row of image.layers) {
    const layer = layerDir(ctx.paths, row);
    const seen = await lookUp(layer, names);
    if (seen.hidesLower) found = [];
    if (seen.present) found.push(join(layer, ...names));
  }
  return found;
}

interface Seen {
  readonly present: boolean;
  readonly hidesLower: boolean;
}

async function lookUp(layer: string, names: readonly string[]): Promise<Seen> {
  let path = layer;
  let hidesLower = false;
  for (const name of names) {
    path = join(path, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return { present: false, hidesLower };
    // A whiteout, a file or a link: whatever lies below is not the directory that gets mounted over.
    if (!stat.isDirectory()) return { present: false, hidesLower: true };
    hidesLower ||= await isOpaque(path);
  }
  return { present: true, hidesLower };
}

async function isOpaque(path: string): Promise<boolean> {
  const { loadLibc } = await import("../host/index.ts");
  return loadLibc().lgetxattr(path, "user.overlay.opaque")?.toString() === "y";
}

/**
 * The copy appears whole: a crash leaves the empty volume. It takes the place of the volume's directory, which nobody may
 * have mounted then: what they write would be lost with it. So a volume in use keeps its emptiness.
 */
async function fill(
  ctx: Context,
  layers: readonly string[],
  { name, mountpoint }: VolumeRecord,
  owners: Target["ownIds"],
): Promise<void> {
  const directory = dirname(mountpoint);
  const half = join(directory, basename(temporaryPath(ctx.paths, "_data")));
  const others = readdirSync(directory).filter((entry) => temporaryName(entry)?.isAbandoned === true);
  const trees = others.map((entry) => join(directory, entry));
  try {
    await runInside(ctx, "copy-rootfs", {
      layers,
      target: half,
      ...(owners === undefined ? {} : { owners }),
    });
    const isFilled = ctx.state.transaction(
      () => {
        const isMounted = ctx.state.containers.usingVolume(name).some(({ id }) => isInUse(ctx, id));
        return !isMounted && replaceEmpty(mountpoint, half);
      },
      { durable: false },
    );
    if (!isFilled) trees.push(half);
  } catch (error) {
    trees.push(half);
    throw error;
  } finally {
    await removeTrees(ctx, trees);
  }
}

/** False if somebody else has filled it meanwhile. */
function replaceEmpty(mountpoint: string, content: string): boolean {
  try {
    renameSync(content, mountpoint);
    return true;
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes(errnoCode(error) ?? "")) throw error;
    return false;
  }
}
