/** Indexes in the store: each is an image without layers, which keeps its ID whatever is changed in it. */
import { NotFoundError } from "../base/index.ts";
import type { Digest } from "../oci/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";
import { BlobStore } from "../storage/index.ts";
import { encodeIndex, type IndexDocument, type IndexEntry, readIndexDocument } from "./index-document.ts";
import { findImage } from "./resolve.ts";

/** The index of a name or ID. @throws {NotFoundError} */
export function findList(ctx: Context, name: string): { record: ImageRecord; document: IndexDocument } {
  const { record } = findImage(ctx, name);
  const document = listOf(ctx, record);
  if (document === undefined) throw new NotFoundError("not-a-list", `${name}: image is not a manifest list`);
  return { record, document };
}

/** Undefined for an image. */
export function listOf(ctx: Context, record: ImageRecord): IndexDocument | undefined {
  if (record.layers.length > 0) return undefined;
  const bytes = new BlobStore(ctx.paths).read(record.manifestDigest as Digest);
  const { manifests } = JSON.parse(bytes.toString("utf8")) as { manifests?: unknown };
  return manifests === undefined
    ? undefined
    : readIndexDocument(bytes, `index ${record.names[0] ?? record.id}`);
}

/** Changes an index as one: two commands at once both take effect. */
export function changeList(
  ctx: Context,
  record: ImageRecord,
  change: (document: IndexDocument) => IndexDocument,
): void {
  const blobs = new BlobStore(ctx.paths);
  ctx.state.transaction(() => {
    const current = ctx.state.images.get(record.id);
    if (current === undefined) throw new NotFoundError("image-not-known", `${record.id}: image not known`);
    const document = readIndexDocument(blobs.read(current.manifestDigest as Digest), "index");
    ctx.state.images.setManifest(record.id, blobs.put(encodeIndex(change(document))));
  });
}

/** An entry replaces one of the same digest. */
export function merge(document: IndexDocument, entries: readonly IndexEntry[]): IndexDocument {
  const added = new Set(entries.map(({ digest }) => digest));
  return {
    ...document,
    entries: [...document.entries.filter(({ digest }) => !added.has(digest)), ...entries],
  };
}
