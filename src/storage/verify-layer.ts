/**
 * A layer that is unpacked already, offered again in some stored form: the form is verified, and
 * kept if it is compressed, so that the image it belongs to can be written out with its digests.
 */
import { closeSync, existsSync, fsyncSync } from "node:fs";
import { StorageError } from "../base/index.ts";
import { type Digest, Digester } from "../oci/index.ts";
import type { Context, LayerRecord } from "../state/index.ts";
import { BlobStore } from "./blobs.ts";
import { recordingPath } from "./layer-place.ts";
import type { LayerSource } from "./layers.ts";
import { closeRange, decompress, type OpenRange, openRange, readRange, sniffCompression } from "./source.ts";

/** @throws {StorageError} `digest-mismatch` */
export async function verifyLayer(ctx: Context, source: LayerSource, record: LayerRecord): Promise<void> {
  const store = new BlobStore(ctx.paths);
  if (source.verified !== undefined) return verifyDownloaded(ctx, source, record);
  if (source.compression === "none") {
    // Its digest is the diffID, whose content is known: whatever the offered bytes are, they are not used.
    if (source.blob === undefined || source.blob === record.diffId) return;
    throw mismatch(source.name, record.diffId as Digest, source.blob);
  }
  if (source.blob !== undefined && record.blob === source.blob && store.has(source.blob)) return;
  const range = openRange(source.file);
  const writer = store.begin();
  try {
    const diffId = await tarDigest(source.compression ?? "gzip", range, (piece) => writer.write(piece));
    if (diffId !== record.diffId) throw mismatch(source.name, diffId, record.diffId as Digest);
    writer.commit({ name: source.name, ...(source.blob === undefined ? {} : { digest: source.blob }) });
  } catch (error) {
    writer.abort();
    throw error;
  } finally {
    closeSync(range.fd);
  }
}

/** The blob has its digest already; what it unpacks to must be what is there. A plain one is only kept if nothing else is. */
async function verifyDownloaded(ctx: Context, source: LayerSource, record: LayerRecord): Promise<void> {
  await source.verified;
  const store = new BlobStore(ctx.paths);
  const blob = source.blob as Digest;
  if (record.blob === blob && store.size(blob) === source.file.size) return;
  const plain = blob === record.diffId;
  if (plain && existsSync(recordingPath(ctx.paths, record.row))) return;
  const { sign: _, ...file } = source.file;
  const range = openRange(file);
  try {
    if (!plain) await verifyContent(source, record, range);
    fsyncSync(range.fd);
  } finally {
    closeRange(range);
  }
  if (file.path !== store.path(blob)) store.adopt(file.path, blob);
}

async function verifyContent(source: LayerSource, record: LayerRecord, range: OpenRange): Promise<void> {
  const compression = sniffCompression(Buffer.concat([...readRange({ ...range, size: 4 }, true)]));
  const diffId = await tarDigest(compression === "zstd" ? "zstd" : "gzip", range);
  if (diffId !== record.diffId) throw mismatch(source.name, diffId, record.diffId as Digest);
}

async function tarDigest(
  compression: "gzip" | "zstd",
  range: OpenRange,
  copy: (piece: Buffer) => void = () => {},
): Promise<Digest> {
  const digester = new Digester();
  const pieces = (function* () {
    for (const piece of readRange(range, true)) {
      copy(piece);
      yield piece;
    }
  })();
  for await (const piece of decompress(pieces, compression)) digester.update(piece);
  return digester.digest();
}

function mismatch(name: string, found: Digest, promised: Digest): StorageError {
  return new StorageError(
    "digest-mismatch",
    `cannot use ${name}: its diffID is ${found}, the image promises ${promised}`,
  );
}
