/** What builds keep for later ones: how much it is, and getting rid of it. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { removeTrees } from "../container/index.ts";
import { jobRunner } from "../image/index.ts";
import type { BuildCacheEntry, Context } from "../state/index.ts";
import { sweepStore } from "../storage/index.ts";
import { cacheMountsDir } from "./steps/mount-cache.ts";

interface CachedStep {
  readonly entry: BuildCacheEntry;
  /** Bytes that go with it: those of a layer no image contains. */
  readonly size: number;
}

/** Least recently used first. */
function listBuildCache(ctx: Context): CachedStep[] {
  return ctx.state.buildCache.list().map((entry) => ({ entry, size: ownSize(ctx, entry) }));
}

function ownSize(ctx: Context, { layer }: BuildCacheEntry): number {
  if (layer === undefined || ctx.state.layers.references(layer) > 0) return 0;
  return ctx.state.layers.get(layer)?.size ?? 0;
}

export interface CacheUsage {
  /** Steps, and directories of cache mounts. */
  readonly count: number;
  /** Bytes that no image has, too. */
  readonly size: number;
}

/** What the cache takes besides the images: layers of steps alone, and what cache mounts hold. */
export async function buildCacheUsage(ctx: Context): Promise<CacheUsage> {
  const steps = listBuildCache(ctx);
  const layers = new Map(
    steps.flatMap(({ entry, size }) => (entry.layer === undefined ? [] : [[entry.layer, size]])),
  );
  const parent = cacheMountsDir(ctx.paths);
  const names = existsSync(parent) ? readdirSync(parent).filter((name) => !name.endsWith(".lock")) : [];
  const paths = names.map((name) => join(parent, name));
  const mounts = paths.length === 0 ? [] : await jobRunner(ctx)("measure-trees", { paths });
  const size = [...layers.values(), ...mounts.map(({ disk }) => disk)].reduce((sum, bytes) => sum + bytes, 0);
  return { count: steps.length + paths.length, size };
}

interface PruneRequest {
  /** Also what images contain, and the directories of RUN --mount=type=cache. */
  readonly all: boolean;
  /** Milliseconds: only what was last used before. */
  readonly usedBefore?: number;
  /** Bytes that may stay, the most recently used. */
  readonly keepBytes?: number;
}

/** @returns the keys that are gone, and the bytes of their layers; files go in a sweep, which a busy store puts off */
export async function pruneBuildCache(
  ctx: Context,
  request: PruneRequest,
): Promise<{ readonly keys: readonly string[]; readonly bytes: number }> {
  ctx.state.expectWrites();
  const candidates = listBuildCache(ctx).filter(
    ({ entry, size }) =>
      (request.all || size > 0) && (request.usedBefore === undefined || entry.used < request.usedBefore),
  );
  let left = candidates.reduce((sum, { size }) => sum + size, 0);
  let bytes = 0;
  const keys: string[] = [];
  for (const { entry, size } of candidates) {
    if (request.keepBytes !== undefined && left <= request.keepBytes) break;
    keys.push(entry.key);
    left -= size;
    bytes += size;
  }
  ctx.state.buildCache.remove(keys);
  if (request.all && request.usedBefore === undefined && request.keepBytes === undefined)
    await removeMounts(ctx);
  await sweepStore(ctx, jobRunner(ctx));
  return { keys, bytes };
}

async function removeMounts(ctx: Context): Promise<void> {
  const parent = cacheMountsDir(ctx.paths);
  if (!existsSync(parent)) return;
  const names = readdirSync(parent);
  await removeTrees(
    ctx,
    names.filter((name) => !name.endsWith(".lock")).map((name) => join(parent, name)),
  );
  for (const name of names.filter((word) => word.endsWith(".lock")))
    rmSync(join(parent, name), { force: true });
}
