/** Copies images and volumes of podman's store into kelp's. Nothing of podman's is changed. */
import { closeSync, existsSync, mkdtempSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { StorageError } from "../../base/index.ts";
import { ensureDir, tempDir } from "../../host/index.ts";
import { jobRunner, layerFile, type StoredImage, storeImage } from "../../image/index.ts";
import type { Context } from "../../state/index.ts";
import { lockShared } from "../../storage/index.ts";
import { createVolume } from "../../volume/index.ts";
import type { PodmanVolume } from "./database.ts";
import {
  layerChain,
  layerRecord,
  layerTree,
  type PodmanImage,
  type PodmanLayer,
  type PodmanStore,
  readImageFile,
} from "./store.ts";

/** Does `work` with a directory for half-made things, which is gone afterwards; the lock keeps sweepers out of it. */
export async function withScratch<T>(ctx: Context, work: (directory: string) => Promise<T>): Promise<T> {
  ensureDir(tempDir(ctx.paths));
  const lock = await lockShared(ctx.paths);
  const directory = mkdtempSync(join(tempDir(ctx.paths), "import-"));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
    lock.release();
  }
}

/**
 * The image with its names, in kelp's store. Its layers' archives are put together again and held to the
 * digests of its config.
 *
 * @param scratch keeps archives of layers for the next image that has them
 * @throws {StorageError} for a layer that podman has no record of, or that was changed
 */
export async function takeOverImage(
  ctx: Context,
  store: PodmanStore,
  image: PodmanImage,
  scratch: string,
): Promise<StoredImage> {
  const layers = [];
  for (const layer of layerChain(store, image)) {
    const path = await archiveOf(ctx, store, layer, scratch);
    layers.push(layerFile(path, `layer ${layer.id.slice(0, 12)}`));
  }
  return storeImage(ctx, {
    config: readImageFile(store, image, `sha256:${image.id}`),
    layers,
    names: image.names,
    docker: /docker/.test(readImageFile(store, image, "manifest").toString("utf8", 0, 500)),
  });
}

async function archiveOf(
  ctx: Context,
  store: PodmanStore,
  layer: PodmanLayer,
  scratch: string,
): Promise<string> {
  const path = join(scratch, `${layer.id}.tar`);
  if (existsSync(path)) return path;
  const split = layerRecord(store, layer);
  if (!existsSync(split))
    throw new StorageError(
      "layer-record-missing",
      `cannot take over layer ${layer.id.slice(0, 12)}: podman kept no record of its archive (${split})`,
      { hint: "podman save and kelp load move such an image" },
    );
  const temporary = `${path}.part`;
  const fd = openSync(temporary, "wx", 0o600);
  try {
    await jobRunner(ctx)("assemble-tar", { tree: layerTree(store, layer), split, fd: 3 }, { fds: [fd] });
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
  return path;
}

/** The volume with its files, owners and all. */
export async function takeOverVolume(ctx: Context, volume: PodmanVolume, scratch: string): Promise<void> {
  if (volume.driver !== "local" || !statSync(volume.mountPoint, { throwIfNoEntry: false })?.isDirectory())
    throw new StorageError(
      "volume-elsewhere",
      `cannot take over volume ${volume.name}: its files are not in ${volume.mountPoint || "podman's store"}`,
    );
  const copy = join(scratch, `volume-${volume.name}`);
  await jobRunner(ctx)("copy-rootfs", { layers: [volume.mountPoint], target: copy });
  ctx.state.transaction(() => {
    const made = createVolume(ctx, {
      name: volume.name,
      labels: volume.labels,
      anonymous: volume.isAnonymous,
    });
    renameSync(copy, made.mountpoint);
  });
}
