/** How much room a container takes. */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { containerDir } from "../host/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";

/** Bytes of the container's own layer (what its user may see of it), and with the image's. */
export function containerSize(ctx: Context, { id, config }: ContainerRecord): { own: number; total: number } {
  const own = treeSize(join(containerDir(ctx.paths, id), "upper"));
  const image = config.image === "" ? undefined : ctx.state.images.get(config.image);
  return { own, total: own + (image?.size ?? 0) };
}

function treeSize(path: string): number {
  let total = 0;
  let entries: string[];
  try {
    entries = readdirSync(path);
  } catch {
    return 0;
  }
  for (const name of entries) {
    const child = join(path, name);
    const stat = lstatSync(child, { throwIfNoEntry: false });
    if (stat?.isDirectory()) total += treeSize(child);
    else if (stat?.isFile()) total += stat.size;
  }
  return total;
}
