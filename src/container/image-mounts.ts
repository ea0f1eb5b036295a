/** --mount type=image: the files of another image. */
import { join } from "node:path";
import { HostError } from "../base/index.ts";
import { containerDir } from "../host/index.ts";
import { resolveImage } from "../image/index.ts";
import { type ImageFiles, runInside } from "../runtime/index.ts";
import type { ContainerRecord, Context, MountConfig } from "../state/index.ts";
import { layerDir, type RunInside, rootfsIn } from "../storage/index.ts";
import { remap } from "./rootfs.ts";

/** Names of images become their IDs, so that a later pull of that name changes no container. */
export async function pinImages(ctx: Context, mounts: readonly MountConfig[]): Promise<MountConfig[]> {
  const pin = async (mount: MountConfig) =>
    mount.type === "image"
      ? { ...mount, source: (await resolveImage(ctx, mount.source ?? "")).record.id }
      : mount;
  return Promise.all(mounts.map(pin));
}

/** Their files, made ready for a start: with the container's ids, and a place for its changes. */
export async function imageFiles(
  ctx: Context,
  { id, config }: ContainerRecord,
): Promise<ReadonlyMap<string, ImageFiles>> {
  const files = new Map<string, ImageFiles>();
  const images = config.mounts.filter(({ type }) => type === "image");
  for (const [index, { source = "", destination }] of images.entries()) {
    const { record } = await resolveImage(ctx, source);
    const dir = join(containerDir(ctx.paths, id), `image-${index}`);
    const run: RunInside = async (job, input, options) => runInside(ctx, job, input, options);
    const rootfs = await rootfsIn(ctx, config.storageDriver, record.layers, dir, run, remap(ctx, config));
    if (rootfs.kind !== "overlay") throw withoutOverlay(config.storageDriver);
    const { upper, work, merged, layersDir } = rootfs;
    // Overlay takes no single directory to read; and nothing may come between names and their content.
    const below = rootfs.data === undefined ? ["empty"] : [];
    const lower = [...rootfs.lower, ...below].map((name) => join(layersDir, name));
    const data = (rootfs.data ?? []).map((name) => join(layersDir, name));
    files.set(destination, { lower, data, upper, work, merged });
  }
  return files;
}

function withoutOverlay(driver: string): HostError {
  return new HostError(
    "image-mount",
    `cannot mount an image with the storage driver ${driver}: it needs overlay`,
  );
}

/** The same for who only wants to know what it would be. */
export function imageFilesPreview(
  ctx: Context,
  mounts: readonly MountConfig[],
): ReadonlyMap<string, ImageFiles> {
  const images = mounts.filter(({ type }) => type === "image");
  return new Map(
    images.map(({ source = "", destination }) => {
      const layers = ctx.state.images.get(source)?.layers ?? [];
      const lower = layers.toReversed().map((row) => layerDir(ctx.paths, row));
      return [destination, { lower, data: [], upper: "", work: "", merged: "" }];
    }),
  );
}
