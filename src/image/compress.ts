/** A layer in another compression, as a temporary file; a piece at a time, whatever its size. */
import { StorageError } from "../base/index.ts";
import type { LayerCompression } from "../oci/index.ts";
import type { Context } from "../state/index.ts";
import { BlobStore, CHUNK, closeRange, decompress, openRange, readRange, zlib } from "../storage/index.ts";
import type { LayerFile } from "./save-layers.ts";

export interface Recompression {
  readonly to: Exclude<LayerCompression, "none">;
  readonly level?: number | undefined;
}

/** @throws {StorageError} if what is stored is not intact */
export async function compressLayer(
  ctx: Context,
  layer: LayerFile,
  from: LayerCompression,
  { to, level }: Recompression,
): Promise<LayerFile> {
  const range = openRange({ path: layer.path, offset: 0, size: layer.size });
  const writer = new BlobStore(ctx.paths).begin();
  try {
    const raw = readRange(range, true);
    const plain = from === "none" ? raw : decompress(raw, from);
    const { pipeline, Readable } = process.getBuiltinModule("node:stream");
    const stream = compressor(to, level);
    pipeline(Readable.from(plain, { objectMode: true, highWaterMark: 2 }), stream, () => {});
    for await (const piece of stream) writer.write(piece as Buffer);
    return { ...writer.finish(), temporary: true };
  } catch (error) {
    writer.abort();
    if (error instanceof StorageError) throw error;
    throw new StorageError(
      "compress-failed",
      `cannot compress layer ${layer.digest}: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  } finally {
    closeRange(range);
  }
}

function compressor(to: Recompression["to"], level: number | undefined) {
  const { constants, createGzip, createZstdCompress } = zlib();
  if (to === "gzip") return createGzip({ chunkSize: CHUNK, ...(level === undefined ? {} : { level }) });
  const params = { [constants.ZSTD_c_compressionLevel]: level ?? 3 };
  return createZstdCompress({ chunkSize: CHUNK, params });
}
