/** Whole trees for comparing: a container's files, or an image's, as they are seen when merged. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { containerDir, ensureDir, layersDir } from "../host/index.ts";
import { type RootView, runInside } from "../runtime/index.ts";
import type { ContainerRecord, Context, ImageRecord } from "../state/index.ts";
import { layerDir, type TreeChange } from "../storage/index.ts";
import { MOUNT_POINTS } from "./changes.ts";
import { containerRootfs, requireImage } from "./rootfs.ts";

export type Tree = { readonly container: ContainerRecord } | { readonly image: ImageRecord };

/** What must happen to `base` to make it look like `tree`. */
export async function compareTrees(ctx: Context, tree: Tree, base: Tree): Promise<TreeChange[]> {
  const view = await treeView(ctx, tree);
  const lower = treeLayers(ctx, base);
  const input = { upper: view.rootfs.merged, lower, whole: true, ignore: MOUNT_POINTS };
  return runInside(ctx, "list-changes", input, { views: [view] });
}

/** Mounted for one job alone and for reading. */
export async function treeView(ctx: Context, tree: Tree): Promise<RootView> {
  if ("image" in tree) return imageView(ctx, tree.image);
  return { rootfs: await containerRootfs(ctx, tree.container), writable: false };
}

/** An empty directory lies above the layers: overlay wants two, and a place to be mounted on. */
function imageView(ctx: Context, image: ImageRecord): RootView {
  const empty = join(layersDir(ctx.paths), "empty");
  ensureDir(empty);
  const lower = image.layers.length === 0 ? [empty] : image.layers.toReversed().map(String);
  return {
    writable: false,
    rootfs: {
      kind: "overlay",
      layersDir: layersDir(ctx.paths),
      lower,
      upper: empty,
      work: empty,
      merged: empty,
      options: ["userxattr"],
    },
  };
}

/** Topmost first. */
function treeLayers(ctx: Context, tree: Tree): string[] {
  if ("image" in tree) return tree.image.layers.toReversed().map((row) => layerDir(ctx.paths, row));
  const { container } = tree;
  const dir = containerDir(ctx.paths, container.id);
  if (container.config.rootfs?.overlay === false) return [container.config.rootfs.path];
  const whole = join(dir, "rootfs");
  if (existsSync(whole)) return [whole];
  const upper = join(dir, "upper");
  const own = existsSync(upper) ? [upper] : [];
  if (container.config.rootfs !== undefined) return [...own, container.config.rootfs.path];
  return [...own, ...treeLayers(ctx, { image: requireImage(ctx, container) })];
}
