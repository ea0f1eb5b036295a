/**
 * How an image's layers become a container's root directory. Three ways, all from the same
 * unpacked layers:
 *   overlay         the kernel's overlay, mounted by the user with `userxattr`
 *   fuse-overlayfs  the same by a program, where the kernel refuses
 *   vfs             a plain copy of everything (blocks shared where the filesystem can): slow, works anywhere
 */
import { chmodSync, existsSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { HostError, UsageError } from "../base/index.ts";
import { chosenMountProgram } from "../config/index.ts";
import { containerDir, ensureDir, findProgram, type HostFacts, hasFuse, layersDir } from "../host/index.ts";
import type { Context, RootfsSource } from "../state/index.ts";
import type { Owners } from "./copy-job.ts";
import type { RunInside } from "./jobs.ts";
import { layerDir } from "./layer-place.ts";

export const DRIVERS = ["overlay", "fuse-overlayfs", "vfs"] as const;
export type DriverName = (typeof DRIVERS)[number];

/** Layers for a container with ids of its own. */
export interface Remap {
  readonly owners: Owners;
  /** Names and owners suffice: the content stays in the layers, and the kernel looks for it there. */
  readonly dataLayers: boolean;
}

const PROGRAM = "fuse-overlayfs";

/**
 * The driver for new containers: the one that is set, else the best that works.
 *
 * @param facts asked for only if the answer depends on the machine
 * @throws {UsageError} for an unknown name · @throws {HostError} if the one that is set cannot work here
 */
export function chooseDriver(ctx: Context, facts: () => HostFacts): DriverName {
  const wanted = wantedDriver(ctx);
  if (wanted === "")
    return facts().overlay ? "overlay" : fuseProgram(ctx) === undefined ? "vfs" : "fuse-overlayfs";
  const driver = DRIVERS.find((name) => name === wanted);
  if (driver === undefined) {
    throw new UsageError(
      "storage-driver-unknown",
      `cannot use storage driver ${JSON.stringify(wanted)}: it is none of ${DRIVERS.join(", ")}`,
    );
  }
  if (driver === "overlay" && !facts().overlay)
    throw impossible(
      driver,
      "the kernel refuses overlay mounts in user namespaces here",
      "kernel 5.11 or later is needed; leave the setting out to use the best driver that works",
    );
  if (driver === "fuse-overlayfs") requireFuse(ctx);
  return driver;
}

/** As for podman, `overlay` with a mount program is that program. */
function wantedDriver({ settings }: Context): string {
  const wanted = settings.storageDriver === "overlay2" ? "overlay" : settings.storageDriver;
  const byProgram = chosenMountProgram(settings) !== undefined && (wanted === "" || wanted === "overlay");
  return byProgram ? "fuse-overlayfs" : wanted;
}

/** Where fuse-overlayfs is, if it can be used. */
function fuseProgram({ settings }: Context): string | undefined {
  if (!hasFuse()) return undefined;
  const chosen = chosenMountProgram(settings);
  if (chosen !== undefined) return existsSync(chosen) ? chosen : undefined;
  return findProgram(PROGRAM, settings.helperDirs);
}

function requireFuse(ctx: Context): string {
  const program = fuseProgram(ctx);
  if (program !== undefined) return program;
  throw hasFuse()
    ? impossible("fuse-overlayfs", "the program is not installed", "install fuse-overlayfs")
    : impossible("fuse-overlayfs", "/dev/fuse cannot be opened", "as root: chmod 666 /dev/fuse");
}

function impossible(driver: DriverName, reason: string, hint: string): HostError {
  return new HostError("storage-driver-unusable", `cannot use storage driver ${driver}: ${reason}`, { hint });
}

/**
 * The root filesystem of a container, ready to be mounted by runtime. With vfs the copy is made
 * when it is not there yet.
 *
 * @param layers rows, lowest first
 */
export async function layersRootfs(
  ctx: Context,
  driver: string,
  layers: readonly number[],
  containerId: string,
  run: RunInside,
  remap?: Remap,
): Promise<RootfsSource> {
  return rootfsIn(ctx, driver, layers, containerDir(ctx.paths, containerId), run, remap);
}

/** The same with `dir` for the upper directory and what else belongs to it; on the filesystem of the layers. */
export async function rootfsIn(
  ctx: Context,
  driver: string,
  layers: readonly number[],
  dir: string,
  run: RunInside,
  remap?: Remap,
): Promise<RootfsSource> {
  const merged = join(dir, "merged");
  ensureDir(merged);
  if (driver === "vfs")
    return { kind: "directory", path: await copyOnce(ctx, layers, dir, run, remap?.owners), merged };
  const [upper, work] = [join(dir, "upper"), join(dir, "work")];
  makeUpper(ctx, upper, layers);
  ensureDir(work);
  const names = lowerNames(ctx, layers);
  const changes = remap !== undefined && !isUnchanged(remap.owners) && layers.length > 0;
  const sources = changes ? await mapped(ctx, layers, remap, run) : { lower: names };
  const mount = { layersDir: layersDir(ctx.paths), ...sources, upper, work, merged };
  return driver === "fuse-overlayfs"
    ? { kind: "fuse", program: requireFuse(ctx), ...mount, options: [] }
    : { kind: "overlay", ...mount, options: ["userxattr"] };
}

/** Every owner stays who they are: then the layers do as they are. */
function isUnchanged({ uid, gid }: Owners): boolean {
  return [...uid, ...gid].every(({ container, host }) => container === host);
}

async function mapped(
  ctx: Context,
  layers: readonly number[],
  remap: Remap,
  run: RunInside,
): Promise<{ readonly lower: readonly string[]; readonly data?: readonly string[] }> {
  const { mappedLayers } = await import("./mapped.ts");
  const lower = [await mappedLayers(ctx, layers, remap, run)];
  return remap.dataLayers ? { lower, data: lowerNames(ctx, layers) } : { lower };
}

/** The upper directory's mode is the mode of the container's `/`: the image's own, whatever the umask. */
function makeUpper(ctx: Context, upper: string, layers: readonly number[]): void {
  if (existsSync(upper)) return;
  ensureDir(upper);
  const top = layers.at(-1);
  chmodSync(upper, top === undefined ? 0o755 : statSync(layerDir(ctx.paths, top)).mode & 0o7777);
}

/** Topmost first. An image without layers is an empty directory, since overlay needs one. */
function lowerNames(ctx: Context, layers: readonly number[]): string[] {
  if (layers.length > 0) return layers.toReversed().map(String);
  ensureDir(join(layersDir(ctx.paths), "empty"));
  return ["empty"];
}

/** A killed copy lies under another name and is not taken for a whole one. */
async function copyOnce(
  ctx: Context,
  layers: readonly number[],
  dir: string,
  run: RunInside,
  owners: Owners | undefined,
): Promise<string> {
  const path = join(dir, "rootfs");
  if (existsSync(path)) return path;
  const part = join(dir, "rootfs.part");
  if (existsSync(part)) await run("remove-trees", { paths: [part] });
  await run("copy-rootfs", {
    layers: layers.map((row) => layerDir(ctx.paths, row)),
    target: part,
    ...(owners === undefined ? {} : { owners }),
  });
  renameSync(part, path);
  return path;
}
