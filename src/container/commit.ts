/** `commit`: an image of a container's image and what the container changed. */
import { join } from "node:path";
import { UsageError } from "../base/index.ts";
import { containerDir } from "../host/index.ts";
import {
  applyChanges,
  imageConfig,
  imageLayers,
  jobRunner,
  recordImage,
  type StoredImage,
} from "../image/index.ts";
import { localName } from "../oci/index.ts";
import { runInside } from "../runtime/index.ts";
import { type ContainerRecord, type Context, type ImageRecord, writeContainerEvent } from "../state/index.ts";
import { copyToLayer, hasLeftovers, lockShared, type StoredLayer, sweepStore } from "../storage/index.ts";
import { lowerDirectories, MOUNT_POINTS } from "./changes.ts";
import { committedConfig, committedDocument } from "./commit-config.ts";
import { pauseContainer, unpauseContainer } from "./freezer.ts";
import { containerRootfs, requireImage } from "./rootfs.ts";
import { statusOf } from "./status.ts";

export interface CommitOptions {
  /** The image's name; without one it is known by its ID. */
  readonly reference?: string | undefined;
  readonly changes: readonly string[];
  readonly author?: string | undefined;
  readonly message?: string | undefined;
  readonly format: "oci" | "docker";
  /** One layer instead of the image's and one more. */
  readonly squash: boolean;
  /** Stop the container's processes meanwhile. */
  readonly pause: boolean;
}

/** @throws {UsageError | StorageError} with nothing left behind */
export async function commitContainer(
  ctx: Context,
  record: ContainerRecord,
  options: CommitOptions,
): Promise<StoredImage> {
  if (options.message !== undefined && options.format !== "docker") {
    throw new UsageError(
      "commit-message",
      "messages are only compatible with the docker image format (-f docker)",
    );
  }
  const names = options.reference === undefined ? [] : [localName(options.reference)];
  const image = record.config.rootfs === undefined ? requireImage(ctx, record) : undefined;
  const from = image === undefined ? undefined : imageConfig(image);
  const config = applyChanges(options.changes, committedConfig(record, from?.config ?? {}));
  const base = options.squash ? undefined : image;
  const lock = await lockShared(ctx.paths);
  try {
    const below = base === undefined ? [] : imageLayers(ctx, base);
    const layer = await whileFrozen(ctx, record, options.pause, () => copyFiles(ctx, record, base));
    const layers = [...below, layer];
    const document = committedDocument(record, {
      ...options,
      config,
      from,
      history: base === undefined ? [] : (from?.history ?? []),
      diffIds: layers.map(({ diffId }) => diffId),
    });
    const docker = options.format === "docker";
    const stored = recordImage(ctx, { names, docker }, Buffer.from(JSON.stringify(document)), layers);
    writeContainerEvent(ctx, "commit", record);
    return stored;
  } finally {
    lock.release();
    if (hasLeftovers(ctx)) await sweepStore(ctx, jobRunner(ctx));
  }
}

/** A container that does not run, or is paused already, stays as it is. */
async function whileFrozen(
  ctx: Context,
  record: ContainerRecord,
  pause: boolean,
  action: () => Promise<StoredLayer>,
): Promise<StoredLayer> {
  if (!pause || statusOf(ctx, record).state !== "running") return action();
  await pauseContainer(ctx, record);
  try {
    return await action();
  } finally {
    await unpauseContainer(ctx, record);
  }
}

/** What the container changed of `base`, or all of its files, as a layer. */
async function copyFiles(
  ctx: Context,
  record: ContainerRecord,
  base: ImageRecord | undefined,
): Promise<StoredLayer> {
  // A container that was never started has no files yet; this makes the empty directory.
  const rootfs = await containerRootfs(ctx, record);
  const owners = record.config.ownIds;
  if (base === undefined) {
    const views = [{ rootfs, writable: false }];
    const copy = { path: rootfs.merged, owners, below: [] };
    return copyToLayer(ctx, (job, input) => runInside(ctx, job, input, { views }), copy);
  }
  const whole = record.config.storageDriver === "vfs";
  const mounted = record.config.mounts.map(({ destination }) => destination);
  return copyToLayer(ctx, jobRunner(ctx), {
    path: join(containerDir(ctx.paths, record.id), whole ? "rootfs" : "upper"),
    owners,
    layer: { lower: lowerDirectories(ctx, rootfs, base), whole, mountPoints: [...MOUNT_POINTS, ...mounted] },
    below: base.layers,
  });
}
