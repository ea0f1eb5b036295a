/** Where a container's root filesystem comes from. */
import { chmodSync, existsSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { NotFoundError } from "../base/index.ts";
import { containerDir, ensureDir, hostFacts } from "../host/index.ts";
import { holdfastPath } from "../runtime/index.ts";
import type { ContainerConfig, ContainerRecord, Context, ImageRecord, RootfsSource } from "../state/index.ts";
import {
  chooseDriver,
  type DriverName,
  layerDir,
  layersRootfs,
  type Remap,
  type RunInside,
} from "../storage/index.ts";
import { replacesUnhealthy } from "./config-health.ts";

/** The image's layers through the driver the container was made with, or the directory of --rootfs. */
export async function containerRootfs(ctx: Context, record: ContainerRecord): Promise<RootfsSource> {
  const { config, id } = record;
  if (config.rootfs !== undefined) return directoryRootfs(ctx, record);
  const layers = config.layers ?? requireImage(ctx, record).layers;
  const run: RunInside = async (job, input, options) => {
    const { runInside } = await import("../runtime/index.ts");
    return runInside(ctx, job, input, options);
  };
  return layersRootfs(ctx, config.storageDriver, layers, id, run, remap(ctx, config));
}

/** How the owners of the image's files become the container's; undefined if they are. */
export function remap(ctx: Context, { ownIds, storageDriver }: ContainerConfig): Remap | undefined {
  if (ownIds === undefined) return undefined;
  const dataLayers = storageDriver === "overlay" && hostFacts(ctx.paths, holdfastPath(ctx.paths)).overlayData;
  return { owners: ownIds, dataLayers };
}

/** The same for a start, and for nobody else: the directories are made ready to be mounted. */
export async function startRootfs(ctx: Context, record: ContainerRecord): Promise<RootfsSource> {
  return unsynced(record, await containerRootfs(ctx, record));
}

/**
 * At its end overlay writes everything of the whole disk that holds `upper` (milliseconds on an idle machine, a second
 * beside somebody who writes), unless it is mounted `volatile`: for a container whose files go at its end anyway,
 * and for a step of a build, whose files are synced as the layer they become. Such a mount cannot be made twice, as for
 * a process that its monitor puts in the place of an unhealthy one.
 */
function unsynced({ config }: ContainerRecord, rootfs: RootfsSource): RootfsSource {
  const isThrownAway = config.autoRemove && !replacesUnhealthy(config.health);
  if ((!isThrownAway && config.layers === undefined) || rootfs.kind !== "overlay") return rootfs;
  // Left by a start whose end nobody saw, it would keep the kernel from mounting these directories again.
  const own = join(rootfs.work, "work");
  if (existsSync(own)) {
    for (const path of ["", "incompat", "incompat/volatile"].map((name) => join(own, name))) {
      if (existsSync(path)) chmodSync(path, 0o700);
    }
    rmSync(own, { recursive: true });
  }
  return { ...rootfs, options: [...rootfs.options, "volatile"] };
}

/** @throws {NotFoundError} if somebody removed it from under the container */
export function requireImage(ctx: Context, { config, name }: ContainerRecord): ImageRecord {
  const image = ctx.state.images.get(config.image);
  if (image !== undefined) return image;
  throw new NotFoundError(
    "no-such-image",
    `cannot use container ${name}: its image ${config.image.slice(0, 12)} is gone`,
  );
}

/** An image's layers for who only reads files in them; nothing is made. */
export function layersView(ctx: Context, rows: readonly number[]): RootfsSource {
  const nowhere = join(ctx.paths.data, "layers", "none");
  return {
    kind: "overlay",
    layersDir: "/",
    lower: rows.toReversed().map((row) => layerDir(ctx.paths, row).slice(1)),
    upper: nowhere,
    work: nowhere,
    merged: nowhere,
    options: [],
  };
}

/** Name of the storage driver that new containers get. */
export function driverName(ctx: Context): DriverName {
  return chooseDriver(ctx, () => hostFacts(ctx.paths, holdfastPath(ctx.paths)));
}

function directoryRootfs(ctx: Context, { config, id }: ContainerRecord): RootfsSource {
  const directory = containerDir(ctx.paths, id);
  const { path, overlay } = config.rootfs!;
  const merged = join(directory, "merged");
  ensureDir(merged);
  if (!overlay) return { kind: "directory", path, merged };
  const [upper, work] = [join(directory, "upper"), join(directory, "work")];
  if (!existsSync(upper)) {
    ensureDir(upper);
    chmodSync(upper, statSync(path).mode & 0o7777);
  }
  ensureDir(work);
  return {
    kind: "overlay",
    layersDir: "/",
    lower: [path.slice(1)],
    upper,
    work,
    merged,
    options: ["userxattr"],
  };
}
