/** Where a container's root filesystem comes from. */
import { chmodSync, existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { NotFoundError } from "../base/index.ts";
import { containerDir, ensureDir, hostFacts } from "../host/index.ts";
import { holdfastPath, runInside } from "../runtime/index.ts";
import type { ContainerRecord, Context, RootfsSource } from "../state/index.ts";
import { chooseDriver, type DriverName, layersRootfs, type RunInside } from "../storage/index.ts";

/** The image's layers through the driver the container was made with, or the directory of --rootfs. */
export async function containerRootfs(ctx: Context, record: ContainerRecord): Promise<RootfsSource> {
  const { config, id } = record;
  if (config.rootfs !== undefined) return directoryRootfs(ctx, record);
  const image = ctx.state.images.get(config.image);
  if (image === undefined) {
    throw new NotFoundError(
      "no-such-image",
      `cannot start container ${record.name}: its image ${config.image.slice(0, 12)} is gone`,
    );
  }
  const run: RunInside = (job, input) => runInside(ctx, job, input);
  return layersRootfs(ctx, config.storageDriver, image.layers, id, run);
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
