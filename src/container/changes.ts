/** `diff`: what a container changed of its image. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { containerDir } from "../host/index.ts";
import { runInside } from "../runtime/index.ts";
import type { ContainerRecord, Context, ImageRecord, RootfsSource } from "../state/index.ts";
import { layerDir, type TreeChange } from "../storage/index.ts";
import { containerRootfs, requireImage } from "./rootfs.ts";

/**
 * What every start mounts something on: they are made where the image lacks them, and that is no change by
 * the container.
 */
export const MOUNT_POINTS: readonly string[] = [
  "/dev",
  "/etc/hostname",
  "/etc/hosts",
  "/etc/mtab",
  "/etc/passwd",
  "/etc/group",
  "/etc/resolv.conf",
  "/proc",
  "/run",
  "/run/.containerenv",
  "/run/secrets",
  "/sys",
];

/** `/etc/passwd` and `/etc/group` are the image's own where it has them; then a change of them is one. */
export async function containerChanges(ctx: Context, record: ContainerRecord): Promise<TreeChange[]> {
  const input = await changesInput(ctx, record);
  return input === undefined ? [] : runInside(ctx, "list-changes", input);
}

/** Where the container's own files lie and what is below them; undefined if it has never been started. */
async function changesInput(ctx: Context, record: ContainerRecord) {
  const dir = containerDir(ctx.paths, record.id);
  const { rootfs, mounts, storageDriver } = record.config;
  const whole = rootfs === undefined && storageDriver === "vfs";
  const upper = join(dir, whole ? "rootfs" : "upper");
  if (rootfs?.overlay === false || !existsSync(upper)) return undefined;
  const ignore = [...MOUNT_POINTS, ...mounts.map((mount) => mount.destination)];
  if (rootfs !== undefined) return { upper, lower: [rootfs.path], whole, ignore };
  const image = requireImage(ctx, record);
  return { upper, lower: lowerDirectories(ctx, await containerRootfs(ctx, record), image), whole, ignore };
}

/** What is below the container's own files, topmost first: the image's layers, or their copy with the container's ids. */
export function lowerDirectories(ctx: Context, rootfs: RootfsSource, image: ImageRecord): string[] {
  if (rootfs.kind === "directory") return image.layers.toReversed().map((row) => layerDir(ctx.paths, row));
  return rootfs.lower.map((name) => join(rootfs.layersDir, name));
}
