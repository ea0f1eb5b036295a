/**
 * `mount` and `image mount`: a container's or an image's files at a path. Only possible inside the base namespaces (`kelp
 * unshare`): elsewhere a user may mount nothing, and nobody would see it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { ConflictError, errnoCode, HostError } from "../base/index.ts";
import { containerDir, ensureDir, layersDir, loadLibc } from "../host/index.ts";
import { overlayData } from "../runtime/index.ts";
import {
  type ContainerRecord,
  type Context,
  type ImageRecord,
  type RootfsSource,
  writeContainerEvent,
} from "../state/index.ts";
import { containerRootfs } from "./rootfs.ts";
import { statusOf } from "./status.ts";
import { isLive } from "./view.ts";

/** @throws {HostError} unless this process is in the user namespace that kelp's containers live in */
export function requireUnshared(program: string, command: string): void {
  const map = readFileSync("/proc/self/uid_map", "utf8").trim().split(/\s+/);
  const inside = process.getuid?.() === 0 && !(map[0] === "0" && map[1] === "0");
  if (inside) return;
  throw new HostError(
    "not-unshared",
    `cannot run command "${program} ${command}" in rootless mode, must execute \`${program} unshare\` first`,
  );
}

/**
 * Mounts the container's files for reading and writing; a second time it only says where they are. Those of a running
 * container are where its first process sees them: another mount of the same layer would disagree with them.
 */
export async function mountContainer(ctx: Context, record: ContainerRecord): Promise<string> {
  const rootfs = await containerRootfs(ctx, record);
  if (rootfs.kind === "directory") return rootfs.path;
  if (isMounted(rootfs.merged)) return rootfs.merged;
  const status = statusOf(ctx, record);
  if (isLive(status)) {
    if (status.pid > 0) return `/proc/${status.pid}/root`;
    throw new ConflictError(
      "container-restarting",
      `cannot mount container ${record.name}: it is just restarting`,
    );
  }
  mountOverlay(rootfs, rootfs.merged);
  writeContainerEvent(ctx, "mount", record);
  return rootfs.merged;
}

/** @returns false if it was not mounted */
export function unmountContainer(ctx: Context, record: ContainerRecord, force: boolean): boolean {
  const was = unmount(join(containerDir(ctx.paths, record.id), "merged"), force);
  if (was) writeContainerEvent(ctx, "unmount", record);
  return was;
}

export function containerMountpoint(ctx: Context, { id }: ContainerRecord): string | undefined {
  const path = join(containerDir(ctx.paths, id), "merged");
  return isMounted(path) ? path : undefined;
}

/** Mounts an image's files for reading. */
export function mountImage(ctx: Context, image: ImageRecord): string {
  const path = imagePlace(ctx, image);
  if (isMounted(path)) return path;
  ensureEmptyLayer(ctx);
  ensureDir(join(ctx.paths.data, "mounts"));
  if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
  const lower = ["empty", ...image.layers.toReversed().map(String)];
  if (lower.length === 1) return path;
  const source = { layersDir: layersDir(ctx.paths), lower, options: ["userxattr"] };
  mountOverlay(source, path);
  return path;
}

/** Overlay takes no single directory without one to write to. */
export function ensureEmptyLayer(ctx: Context): void {
  ensureDir(join(layersDir(ctx.paths), "empty"));
}

export function unmountImage(ctx: Context, image: ImageRecord, force: boolean): boolean {
  const path = imagePlace(ctx, image);
  const was = unmount(path, force);
  if (was) rmdirSync(path);
  return was;
}

/** IDs of images that are mounted in these namespaces. */
export function mountedImages(ctx: Context): string[] {
  const parent = join(ctx.paths.data, "mounts");
  try {
    return readdirSync(parent).filter((id) => isMounted(join(parent, id)));
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return [];
    throw error;
  }
}

export function imagePlace(ctx: Context, { id }: ImageRecord): string {
  return join(ctx.paths.data, "mounts", id);
}

type Overlay = Pick<Extract<RootfsSource, { kind: "overlay" }>, "layersDir" | "lower" | "options"> & {
  readonly upper?: string;
  readonly work?: string;
};

function mountOverlay(source: Overlay, target: string): void {
  const libc = loadLibc();
  const before = process.cwd();
  process.chdir(source.layersDir);
  try {
    libc.mount("overlay", target, "overlay", overlayData(source));
  } finally {
    process.chdir(before);
  }
}

function unmount(path: string, force: boolean): boolean {
  if (!isMounted(path)) return false;
  try {
    loadLibc().unmount(path, force);
  } catch (cause) {
    if (errnoCode(cause) !== "EBUSY") throw cause;
    throw new ConflictError("mount-busy", `cannot unmount ${path}: somebody uses it`, {
      cause,
      hint: "leave the directory and close its files, or use --force",
    });
  }
  return true;
}

function isMounted(path: string): boolean {
  const shown = path.replaceAll("\\", "\\134").replaceAll(" ", "\\040");
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .some((line) => line.split(" ")[1] === shown);
}
