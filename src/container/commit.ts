/** `commit`: an image of a container's image and what the container changed. */
import { closeSync, openSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../base/index.ts";
import { containerDir } from "../host/index.ts";
import {
  applyChanges,
  imageConfig,
  jobRunner,
  type StoredImage,
  storedLayerSources,
  storeImage,
} from "../image/index.ts";
import { localName } from "../oci/index.ts";
import { runInside } from "../runtime/index.ts";
import { type ContainerRecord, type Context, type ImageRecord, writeContainerEvent } from "../state/index.ts";
import { BlobStore, hasLeftovers, type LayerSource, lockShared, sweepStore } from "../storage/index.ts";
import { lowerDirectories, MOUNT_POINTS } from "./changes.ts";
import { committedConfig, committedDocument } from "./commit-config.ts";
import { archiveContainer } from "./export.ts";
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
  const path = new BlobStore(ctx.paths).temporary("layer");
  try {
    await whileFrozen(ctx, record, options.pause, () => writeLayer(ctx, record, base, path));
    const layer: LayerSource = {
      file: { path, offset: 0, size: statSync(path).size },
      compression: "none",
      name: `changes of container ${record.name}`,
    };
    const below = base === undefined ? [] : storedLayerSources(ctx, base);
    const history = base === undefined ? [] : (from?.history ?? []);
    const stored = await storeImage(ctx, {
      config: (diffIds) =>
        Buffer.from(
          JSON.stringify(committedDocument(record, { ...options, config, from, history, diffIds })),
        ),
      layers: [...below, layer],
      names,
      docker: options.format === "docker",
    });
    writeContainerEvent(ctx, "commit", record);
    return stored;
  } finally {
    rmSync(path, { force: true });
    lock.release();
    if (hasLeftovers(ctx)) await sweepStore(ctx, jobRunner(ctx));
  }
}

/** A container that does not run, or is paused already, stays as it is. */
async function whileFrozen(
  ctx: Context,
  record: ContainerRecord,
  pause: boolean,
  action: () => Promise<void>,
): Promise<void> {
  if (!pause || statusOf(ctx, record).state !== "running") return action();
  await pauseContainer(ctx, record);
  try {
    await action();
  } finally {
    await unpauseContainer(ctx, record);
  }
}

/** What the container changed, or all of its files. */
async function writeLayer(
  ctx: Context,
  record: ContainerRecord,
  base: ImageRecord | undefined,
  path: string,
): Promise<void> {
  const fd = openSync(path, "wx", 0o600);
  try {
    if (base === undefined) await archiveContainer(ctx, record, fd);
    else await writeChanges(ctx, record, base, fd);
  } finally {
    closeSync(fd);
  }
}

async function writeChanges(
  ctx: Context,
  record: ContainerRecord,
  base: ImageRecord,
  fd: number,
): Promise<void> {
  const whole = record.config.storageDriver === "vfs";
  // A container that was never started has no files yet; this makes the empty directory.
  const rootfs = await containerRootfs(ctx, record);
  const mounted = record.config.mounts.map(({ destination }) => destination);
  const lower = lowerDirectories(ctx, rootfs, base);
  await runInside(
    ctx,
    "archive-tree",
    {
      path: join(containerDir(ctx.paths, record.id), whole ? "rootfs" : "upper"),
      fd: 3,
      owners: record.config.ownIds,
      layer: { lower, whole, mountPoints: [...MOUNT_POINTS, ...mounted] },
      name: `the changes of container ${record.name}`,
    },
    { fds: [fd] },
  );
}
