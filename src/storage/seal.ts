/** Layers that containers and builds make: from overlay's upper directory to a recorded `layers/ROW`. */
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { randomHex } from "../base/index.ts";
import { ensureDir, layersDir } from "../host/index.ts";
import { chainIds, type Digest, sha256 } from "../oci/index.ts";
import type { Context, LayerRecord } from "../state/index.ts";
import type { RunInside } from "./jobs.ts";
import { layerDir, recordingPath, requireLayer } from "./layer-place.ts";
import { storeLockPath } from "./store-lock.ts";

export interface NewLayer {
  /** Overlay's upper directory, on the store's filesystem; it is gone afterwards. */
  readonly upper: string;
  /** Rows of the layers below, lowest first. */
  readonly below: readonly number[];
  /** Absolute paths that were made to mount something on. */
  readonly mountPoints?: readonly string[];
  /** Seconds: no file of the layer is younger. */
  readonly maxTime?: number | undefined;
}

export interface MadeLayer {
  readonly record: LayerRecord;
  /** Bytes of its tar. */
  readonly tarSize: number;
}

/**
 * Records the changes in `upper` as a layer. If the same changes are there already (of the same layers below),
 * theirs are used. The caller holds the store's lock shared until something refers to the layer.
 */
export async function sealUpper(ctx: Context, run: RunInside, layer: NewLayer): Promise<MadeLayer> {
  const parent = layersDir(ctx.paths);
  ensureDir(parent);
  const dir = join(parent, `.new-${randomHex(6)}`);
  const recording = `${dir}.rec`;
  try {
    const sealed = await run("seal-layer", {
      lock: storeLockPath(ctx.paths),
      upper: layer.upper,
      dir,
      recording,
      lower: layer.below.toReversed().map((row) => layerDir(ctx.paths, row)),
      mountPoints: layer.mountPoints ?? [],
      maxTime: layer.maxTime,
    });
    const record = publish(ctx, { dir, recording }, layer.below, sealed);
    return { record, tarSize: sealed.tarSize };
  } finally {
    rmSync(recording, { force: true });
    if (existsSync(dir)) await run("remove-trees", { paths: [dir] });
  }
}

function publish(
  ctx: Context,
  made: { readonly dir: string; readonly recording: string },
  below: readonly number[],
  sealed: { readonly diffId: Digest; readonly size: number },
): LayerRecord {
  const top = below.at(-1);
  const under = top === undefined ? undefined : requireLayer(ctx, top);
  const chainId =
    under === undefined ? chainIds([sealed.diffId])[0] : sha256(`${under.chainId} ${sealed.diffId}`);
  const values = {
    diffId: sealed.diffId,
    chainId: chainId as Digest,
    blob: sealed.diffId,
    size: sealed.size,
    ...(top === undefined ? {} : { parent: top }),
  };
  const record = ctx.state.layers.create(values, (row) => {
    renameSync(made.dir, layerDir(ctx.paths, row));
    renameSync(made.recording, recordingPath(ctx.paths, row));
  });
  // The same layer from elsewhere may have been kept compressed only: now it can be written out plain as well.
  if (existsSync(made.recording) && !existsSync(recordingPath(ctx.paths, record.row)))
    renameSync(made.recording, recordingPath(ctx.paths, record.row));
  return record;
}
