/**
 * A layer that is unpacked already, offered again in some stored form: the form is verified, and
 * kept if it is compressed, so that the image it belongs to can be written out with its digests.
 */
import { closeSync } from "node:fs";
import { StorageError } from "../base/index.ts";
import { type Digest, Digester } from "../oci/index.ts";
import type { Context, LayerRecord } from "../state/index.ts";
import { BlobStore, type BlobWriter } from "./blobs.ts";
import type { LayerSource } from "./layers.ts";
import { decompress, openRange, readRange } from "./source.ts";

/** @throws {StorageError} `digest-mismatch` */
export async function verifyLayer(ctx: Context, source: LayerSource, record: LayerRecord): Promise<void> {
  const store = new BlobStore(ctx.paths);
  if (source.compression === "none") {
    // Its digest is the diffID, whose content is known: whatever the offered bytes are, they are not used.
    if (source.blob === undefined || source.blob === record.diffId) return;
    throw mismatch(source.name, record.diffId as Digest, source.blob);
  }
  if (source.blob !== undefined && record.blob === source.blob && store.has(source.blob)) return;
  const range = openRange(source.file);
  const writer = store.begin();
  try {
    const diffId = await tarDigest(source, range, writer);
    if (diffId !== record.diffId) throw mismatch(source.name, diffId, record.diffId as Digest);
    writer.commit({ name: source.name, ...(source.blob === undefined ? {} : { digest: source.blob }) });
  } catch (error) {
    writer.abort();
    throw error;
  } finally {
    closeSync(range.fd);
  }
}

async function tarDigest(
  source: LayerSource,
  range: ReturnType<typeof openRange>,
  writer: BlobWriter,
): Promise<Digest> {
  const digester = new Digester();
  const pieces = (function* () {
    for (const piece of readRange(range, true)) {
      writer.write(piece);
      yield piece;
    }
  })();
  for await (const piece of decompress(pieces, source.compression as "gzip" | "zstd")) digester.update(piece);
  return digester.digest();
}

function mismatch(name: string, found: Digest, promised: Digest): StorageError {
  return new StorageError(
    "digest-mismatch",
    `cannot use ${name}: its diffID is ${found}, the image promises ${promised}`,
  );
}
