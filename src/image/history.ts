/** What `history` and `image tree` show. */
import type { HistoryEntry } from "../oci/index.ts";
import type { Context, ImageRecord, LayerRecord } from "../state/index.ts";
import { requireLayer } from "../storage/index.ts";
import { imageConfig } from "./documents.ts";

export interface HistoryLine {
  /** The image's ID for the topmost line, an ancestor's where one is in the store, else undefined. */
  readonly id?: string;
  /** Milliseconds. */
  readonly created: number;
  readonly createdBy: string;
  readonly size: number;
  readonly comment: string;
  readonly tags: readonly string[];
}

/** Topmost first. An image without history gets one line for each layer. */
export function imageHistory(ctx: Context, image: ImageRecord): HistoryLine[] {
  const config = imageConfig(image);
  const layers = image.layers.map((row) => requireLayer(ctx, row));
  const steps: readonly HistoryEntry[] =
    config.history.length > 0 ? config.history : layers.map(() => ({ created: config.created ?? "" }));
  const all = ctx.state.images.list();
  let used = 0;
  const lines = steps.map((step, index): HistoryLine => {
    const layer = step.empty_layer === true ? undefined : layers[used++];
    const isTop = index === steps.length - 1;
    const owner = isTop ? image : layer && ownerOf(all, image, used, index + 1);
    return {
      ...stepLine(step),
      size: layer?.size ?? 0,
      tags: owner?.names ?? [],
      ...(owner && { id: owner.id }),
    };
  });
  return lines.reverse();
}

function stepLine(step: HistoryEntry) {
  return {
    created: Date.parse(step.created ?? "") || 0,
    createdBy: step.created_by ?? "",
    comment: step.comment ?? "",
  };
}

/** An image in the store that ends exactly with this step. */
function ownerOf(
  all: readonly ImageRecord[],
  image: ImageRecord,
  layers: number,
  steps: number,
): ImageRecord | undefined {
  return all.find(
    (other) =>
      other.id !== image.id &&
      other.layers.length === layers &&
      other.layers.every((row, index) => image.layers[index] === row) &&
      imageConfig(other).history.length === steps,
  );
}

export interface TreeLayer {
  readonly layer: LayerRecord;
  /** Names of images whose topmost layer this is. */
  readonly topOf: readonly string[];
}

export interface ImageTree {
  readonly id: string;
  readonly tags: readonly string[];
  readonly size: number;
  /** Lowest first. */
  readonly layers: readonly TreeLayer[];
}

export function imageTree(ctx: Context, image: ImageRecord): ImageTree {
  const all = ctx.state.images.list();
  return {
    id: image.id,
    tags: image.names,
    size: image.size,
    layers: image.layers.map((row) => ({
      layer: requireLayer(ctx, row),
      topOf: all.filter((other) => other.layers.at(-1) === row).flatMap((other) => other.names),
    })),
  };
}
