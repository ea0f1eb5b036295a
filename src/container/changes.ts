/** `diff`: what a container changed of its image. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { containerDir } from "../host/index.ts";
import { runInside } from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { layerDir, type TreeChange } from "../storage/index.ts";
import { requireImage } from "./rootfs.ts";

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
  const input = changesInput(ctx, record);
  return input === undefined ? [] : runInside(ctx, "list-changes", input);
}

/** Where the container's own files lie and what is below them; undefined if it has never been started. */
function changesInput(ctx: Context, record: ContainerRecord) {
  const dir = containerDir(ctx.paths, record.id);
  const { rootfs, mounts } = record.config;
  const ignore = [...MOUNT_POINTS, ...mounts.map((mount) => mount.destination)];
  if (rootfs !== undefined) {
    const upper = join(dir, "upper");
    if (!rootfs.overlay || !existsSync(upper)) return undefined;
    return { upper, lower: [rootfs.path], whole: false, ignore };
  }
  const lower = requireImage(ctx, record)
    .layers.toReversed()
    .map((row) => layerDir(ctx.paths, row));
  const whole = record.config.storageDriver === "vfs";
  const upper = join(dir, whole ? "rootfs" : "upper");
  return existsSync(upper) ? { upper, lower, whole, ignore } : undefined;
}
