/** Layers that containers and builds make: from a tree of files to a recorded `layers/ROW`. */
import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { randomHex } from "../base/index.ts";
import { ensureDir, layersDir } from "../host/index.ts";
import { chainIds, type Digest, sha256 } from "../oci/index.ts";
import type { Context, LayerRecord } from "../state/index.ts";
import type { CopyLayerInput } from "./copy-layer-job.ts";
import type { RunInside } from "./jobs.ts";
import type { HashedLayer } from "./layer-hasher.ts";
import { layerDir, recordingPath, requireLayer } from "./layer-place.ts";
import type { StoredLayer } from "./layers.ts";
import { storeLockPath } from "./store-lock.ts";

export interface NewLayer {
  /** Overlay's upper directory, on the store's filesystem; it is gone afterwards. */
  readonly upper: string;
  /** Rows of the layers below, lowest first. */
  readonly below: readonly number[];
  /** It was made on nothing: the same layer whatever is below. */
  readonly independent?: boolean;
  /** Absolute paths that were made to mount something on. */
  readonly mountPoints?: readonly string[];
  /** Seconds: no file of the layer is younger. */
  readonly maxTime?: number | undefined;
}

/** A tree that stays as it is. */
export interface LayerCopy extends Omit<CopyLayerInput, "lock" | "dir" | "recording"> {
  /** Rows of the layers below, lowest first. */
  readonly below: readonly number[];
}

/**
 * Records the changes in `upper` as a layer. If the same changes are there already (of the same layers below),
 * theirs are used. The caller holds the store's lock shared until something refers to the layer.
 */
export function sealUpper(ctx: Context, run: RunInside, layer: NewLayer): Promise<StoredLayer> {
  return makeLayer(ctx, run, layer.below, (place) =>
    run("seal-layer", {
      ...place,
      upper: layer.upper,
      lower:
        layer.independent === true ? [] : layer.below.toReversed().map((row) => layerDir(ctx.paths, row)),
      mountPoints: layer.mountPoints ?? [],
      maxTime: layer.maxTime,
    }),
  );
}

/** Records what a tree changes of the layers below, or all of it, as a layer, like {@link sealUpper}. */
export function copyToLayer(ctx: Context, run: RunInside, copy: LayerCopy): Promise<StoredLayer> {
  const { below, ...tree } = copy;
  return makeLayer(ctx, run, below, (place) => run("copy-layer", { ...place, ...tree }));
}

interface Place {
  readonly lock: string;
  readonly dir: string;
  readonly recording: string;
}

async function makeLayer(
  ctx: Context,
  run: RunInside,
  below: readonly number[],
  make: (place: Place) => Promise<HashedLayer>,
): Promise<StoredLayer> {
  const parent = layersDir(ctx.paths);
  ensureDir(parent);
  const dir = join(parent, `.new-${randomHex(6)}`);
  const recording = `${dir}.rec`;
  try {
    const made = await make({ lock: storeLockPath(ctx.paths), dir, recording });
    const record = publish(ctx, { dir, recording }, below, made);
    const { diffId, tarSize } = made;
    return { record, diffId, blob: diffId, blobSize: tarSize, compression: "none", ownersDropped: false };
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
