/** Where unpacked layers are. Apart from how they come there, which `ps` and `run` have no use for. */
import { join } from "node:path";
import { StorageError } from "../base/index.ts";
import { layersDir, type Paths } from "../host/index.ts";
import type { Context, LayerRecord } from "../state/index.ts";

/** The directory of a layer, and its recording if it came uncompressed. */
export function layerDir(paths: Paths, row: number): string {
  return join(layersDir(paths), String(row));
}

export function recordingPath(paths: Paths, row: number): string {
  return `${layerDir(paths, row)}.rec`;
}

/** Layers of an image must follow each other; said once for all who join records to directories. */
export function requireLayer(ctx: Context, row: number): LayerRecord {
  const record = ctx.state.layers.get(row);
  if (record !== undefined) return record;
  throw new StorageError("layer-missing", `cannot use layer ${row}: it is not in the store`, {
    hint: "`kelp system check --repair` mends what can be mended",
  });
}
