/** A manifest for an image whose own was lost, from its layers as they are kept. */
import { rmSync, statSync } from "node:fs";
import { type Digest, sha256 } from "../oci/index.ts";
import type { Context, ImageRecord, LayerRecord } from "../state/index.ts";
import { BlobStore, requireLayer, type StoredLayer } from "../storage/index.ts";
import { compressionOf } from "./encode-manifest.ts";
import { plainLayers } from "./save-layers.ts";
import { makeManifest } from "./store-image.ts";

/**
 * The same manifest if it had been made here, else one that says the same of layers and config under another digest.
 *
 * @throws {StorageError} if a layer cannot be written out
 */
export async function remakeManifest(ctx: Context, image: ImageRecord): Promise<Digest> {
  const config = Buffer.from(image.configJson);
  const manifests = (await possibleForms(ctx, image)).flatMap((layers) =>
    [false, true].map((docker) => makeManifest({ docker }, config, layers)),
  );
  const same = manifests.find((manifest) => sha256(manifest) === image.manifestDigest);
  const blobs = new BlobStore(ctx.paths);
  const digest = blobs.put(same ?? (manifests[0] as Buffer));
  blobs.sync();
  if (same === undefined) ctx.state.images.setManifest(image.id, digest);
  return digest;
}

/** Each layer as it is kept, or all of them plain: another image may have brought the compressed ones. */
async function possibleForms(ctx: Context, image: ImageRecord): Promise<StoredLayer[][]> {
  const blobs = new BlobStore(ctx.paths);
  const records = image.layers.map((row) => requireLayer(ctx, row));
  const written = await plainLayers(
    ctx,
    records.map(({ row, diffId }) => ({ row, digest: diffId as Digest })),
  );
  const plain = (record: LayerRecord) =>
    form(record, record.diffId as Digest, written.get(record.diffId as Digest) as string);
  const kept = (record: LayerRecord) => {
    const blob = record.blob as Digest | undefined;
    return blob !== undefined && blobs.has(blob) ? form(record, blob, blobs.path(blob)) : plain(record);
  };
  try {
    return [records.map(kept), records.map(plain)];
  } finally {
    for (const path of written.values()) rmSync(path, { force: true });
  }
}

function form(record: LayerRecord, blob: Digest, path: string): StoredLayer {
  const { size } = statSync(path);
  const compression = compressionOf({ path, size });
  const diffId = record.diffId as Digest;
  return { record, diffId, blob, blobSize: size, compression, ownersDropped: false };
}
