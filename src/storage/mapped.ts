/**
 * Layers with other owners, for containers with ids of their own: overlay shows a lower directory's owners as they
 * are, and the kernel lets only root mount it with others. So all layers of an image are merged into one directory
 * with the owners of one mapping, once for each mapping. Where the kernel can look for the content of files
 * elsewhere (`dataLayers`) that directory holds names, owners and modes, and points into the layers for the rest; else it is
 * a copy, whose files share their blocks with the layers where the filesystem can.
 */
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { errnoCode, sha256Hex, showingWait } from "../base/index.ts";
import { layersDir } from "../host/index.ts";
import type { Context } from "../state/index.ts";
import type { Owners } from "./copy-job.ts";
import { openCounter } from "./counter.ts";
import type { Remap } from "./driver.ts";
import type { RunInside } from "./jobs.ts";
import { layerDir } from "./layer-place.ts";
import { listDirectory } from "./list-directory.ts";
import { lockShared } from "./store-lock.ts";

/** The name says of which layer it is the topmost, and it goes with that (`mappedRow`, used by the sweeper). */
function mappedName(row: number, { owners, dataLayers }: Remap): string {
  const hash = sha256Hex(JSON.stringify(owners)).slice(0, 12);
  return `${dataLayers ? "o" : "m"}${row}-${hash}`;
}

/** What a container with these ids may run on: either form, since the kernel may be another tomorrow. */
export function mappedNames(row: number, owners: Owners): string[] {
  return [true, false].map((dataLayers) => mappedName(row, { owners, dataLayers }));
}

/** All there are. */
export function listMapped(ctx: Context): string[] {
  return listDirectory(layersDir(ctx.paths)).filter((name) => mappedRow(name) !== undefined);
}

/** The layer that a remapped one belongs to; undefined for the name of anything else. */
export function mappedRow(name: string): string | undefined {
  return /^[mo](\d+)-[0-9a-f]{12}$/.exec(name)?.[1];
}

/** The name, beneath the layers' directory, of these layers in one with those owners. */
export async function mappedLayers(
  ctx: Context,
  layers: readonly number[],
  remap: Remap,
  run: RunInside,
): Promise<string> {
  const name = mappedName(layers.at(-1)!, remap);
  const path = join(layersDir(ctx.paths), name);
  if (!existsSync(path)) await makeMapped(ctx, layers, remap, run);
  return name;
}

async function makeMapped(
  ctx: Context,
  layers: readonly number[],
  remap: Remap,
  run: RunInside,
): Promise<void> {
  const name = mappedName(layers.at(-1)!, remap);
  const part = join(layersDir(ctx.paths), `.${name}-${process.pid}`);
  const lock = await lockShared(ctx.paths);
  const counter = openCounter(ctx.paths);
  const wait = {
    text: "preparing the image's layers for this mapping of users, once",
    total: layers.reduce((sum, row) => sum + (ctx.state.layers.get(row)?.size ?? 0), 0),
    done: counter.read,
  };
  const input = {
    layers: layers.map((row) => layerDir(ctx.paths, row)),
    target: part,
    ...remap,
    lasting: true,
    counter: 3,
  };
  try {
    await showingWait(wait, () => run("copy-rootfs", input, { fds: [counter.fd] }));
    renameSync(part, join(layersDir(ctx.paths), name));
  } catch (error) {
    // Of two who make the same the second finds it there.
    await run("remove-trees", { paths: [part] });
    if (!["ENOTEMPTY", "EEXIST"].includes(errnoCode(error) ?? "")) throw error;
  } finally {
    counter.close();
    lock.release();
  }
}
