/**
 * Layers with other owners, for containers with ids of their own: overlay shows a lower directory's owners as they
 * are, and the kernel lets only root mount it with others. So all layers of an image are copied into one directory,
 * once for each mapping; files share their blocks with the layer where the filesystem can.
 */
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { errnoCode, humanSize, log, sha256Hex } from "../base/index.ts";
import { layersDir } from "../host/index.ts";
import type { Context } from "../state/index.ts";
import type { Owners } from "./copy-job.ts";
import type { RunInside } from "./jobs.ts";
import { layerDir } from "./layer-place.ts";
import { lockShared } from "./store-lock.ts";

/** A copy's name says of which layer it is the topmost, and goes with it (`mappedRow`, used by the sweeper). */
export function mappedName(row: number, owners: Owners): string {
  return `m${row}-${sha256Hex(JSON.stringify(owners)).slice(0, 12)}`;
}

/** The layer that a copy belongs to; undefined for the name of anything else. */
export function mappedRow(name: string): string | undefined {
  return /^m(\d+)-[0-9a-f]{12}$/.exec(name)?.[1];
}

/** A copy that is over sooner needs no word; nobody is left to wonder about a longer one. */
const PATIENCE_MS = 1000;

function waitingText(ctx: Context, layers: readonly number[]): string {
  const size = layers.reduce((sum, row) => sum + (ctx.state.layers.get(row)?.size ?? 0), 0);
  return `copying the image's layers (${humanSize(size)}) for this mapping of users; this is done once, and undone with the image`;
}

/** The name, beneath the layers' directory, of these layers in one with those owners. */
export async function mappedLayers(
  ctx: Context,
  layers: readonly number[],
  owners: Owners,
  run: RunInside,
): Promise<string> {
  const name = mappedName(layers.at(-1)!, owners);
  const path = join(layersDir(ctx.paths), name);
  if (existsSync(path)) return name;
  const notice = setTimeout(() => log.warn(waitingText(ctx, layers)), PATIENCE_MS);
  const lock = await lockShared(ctx.paths);
  const part = join(layersDir(ctx.paths), `.${name}-${process.pid}`);
  try {
    const sources = layers.map((row) => layerDir(ctx.paths, row));
    await run("copy-rootfs", { layers: sources, target: part, owners });
    renameSync(part, path);
  } catch (error) {
    // Somebody else was faster; the sweeper takes what is left of ours.
    if (!["ENOTEMPTY", "EEXIST"].includes(errnoCode(error) ?? "")) {
      await run("remove-trees", { paths: [part] });
      throw error;
    }
  } finally {
    clearTimeout(notice);
    lock.release();
  }
  return name;
}
