/** Layers that depend on none below them, put on others. The caller holds the store's lock shared. */
import { existsSync, rmSync, statSync } from "node:fs";
import { chainIds, type Digest } from "../oci/index.ts";
import type { Context } from "../state/index.ts";
import {
  type FileRange,
  type LayerSource,
  layerDir,
  type StoredLayer,
  storeLayers,
} from "../storage/index.ts";
import { jobRunner } from "./inside.ts";
import { plainLayers } from "./save-layers.ts";

/** Unpacks a layer on layers that are in the store. @param file its plain tar */
export async function storeOnTop(
  ctx: Context,
  below: readonly StoredLayer[],
  { file, diffId }: { readonly file: FileRange; readonly diffId: Digest },
): Promise<StoredLayer> {
  const top: LayerSource = { file, compression: "none", diffId, name: `layer ${diffId}` };
  const stored = await storeLayers(ctx, jobRunner(ctx), [...below.map(presentSource), top]);
  return stored.at(-1) as StoredLayer;
}

function presentSource({ diffId, blobSize }: StoredLayer): LayerSource {
  const file = { path: "", offset: 0, size: blobSize };
  return { file, compression: "none", diffId, name: `layer ${diffId}` };
}

/** The same changes with the same digest, on these layers: itself if it lies there, else a copy where there is none yet. */
export async function restackLayer(
  ctx: Context,
  layer: StoredLayer,
  below: readonly StoredLayer[],
): Promise<StoredLayer> {
  const { record, diffId } = layer;
  const chainId = chainIds([...below, layer].map((one) => one.diffId)).at(-1) as Digest;
  if (record.chainId === chainId) return layer;
  const known = ctx.state.layers.byChainId(chainId);
  if (known !== undefined && existsSync(layerDir(ctx.paths, known.row))) return { ...layer, record: known };
  const path = (await plainLayers(ctx, [{ row: record.row, digest: diffId }])).get(diffId) as string;
  try {
    return await storeOnTop(ctx, below, { file: { path, offset: 0, size: statSync(path).size }, diffId });
  } finally {
    rmSync(path, { force: true });
  }
}
