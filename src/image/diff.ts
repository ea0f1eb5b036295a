/** `image diff`: what an image changes of the one it was made from. */
import type { Context, ImageRecord } from "../state/index.ts";
import { layerDir, type TreeChange } from "../storage/index.ts";
import { jobRunner } from "./inside.ts";

/** Its topmost layer against those below. */
export async function imageChanges(ctx: Context, image: ImageRecord): Promise<TreeChange[]> {
  const dirs = image.layers.toReversed().map((row) => layerDir(ctx.paths, row));
  const [upper, ...lower] = dirs;
  if (upper === undefined) return [];
  return jobRunner(ctx)("list-changes", { upper, lower, whole: false, ignore: [] });
}
