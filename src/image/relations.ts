/** Which image was made from which: layers and history of the one begin those of the other. */
import type { HistoryEntry } from "../oci/index.ts";
import type { ImageRecord } from "../state/index.ts";
import { imageConfig } from "./documents.ts";

/** True if `child` was made from `parent`, directly or not. */
function isAncestor(parent: ImageRecord, child: ImageRecord): boolean {
  if (parent.id === child.id || parent.layers.length > child.layers.length) return false;
  if (!parent.layers.every((layer, index) => child.layers[index] === layer)) return false;
  const [older, newer] = [history(parent), history(child)];
  if (older.length >= newer.length) return false;
  return older.every((entry, index) => sameStep(entry, newer[index] as HistoryEntry));
}

function history(image: ImageRecord): readonly HistoryEntry[] {
  return imageConfig(image).history;
}

function sameStep(a: HistoryEntry, b: HistoryEntry): boolean {
  return (
    a.created === b.created &&
    a.created_by === b.created_by &&
    a.comment === b.comment &&
    a.empty_layer === b.empty_layer
  );
}

/** The nearest ancestor, or undefined. */
export function parentOf(image: ImageRecord, all: readonly ImageRecord[]): ImageRecord | undefined {
  const ancestors = all.filter((other) => isAncestor(other, image));
  return ancestors.find((candidate) => !ancestors.some((other) => isAncestor(candidate, other)));
}

export function hasChildren(image: ImageRecord, all: readonly ImageRecord[]): boolean {
  return all.some((other) => isAncestor(image, other));
}
