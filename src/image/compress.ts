/**
 * A layer in another compression, as a temporary file. gzip works on blocks of their own (a sequence of members is one
 * gzip file), so that all cores take part and the bytes do not depend on their number; zstd is fast enough as a stream.
 */
import { availableParallelism } from "node:os";
import { StorageError } from "../base/index.ts";
import type { LayerCompression } from "../oci/index.ts";
import type { Context } from "../state/index.ts";
import { BlobStore, CHUNK, closeRange, decompress, openRange, readRange, zlib } from "../storage/index.ts";
import type { LayerFile } from "./save-layers.ts";

export interface Recompression {
  readonly to: Exclude<LayerCompression, "none">;
  readonly level?: number | undefined;
}

/** Larger ones compress no better to speak of. */
const BLOCK = 1 << 20;

/** @throws {StorageError} if what is stored is not intact */
export async function compressLayer(
  ctx: Context,
  layer: LayerFile,
  from: LayerCompression,
  recompression: Recompression,
): Promise<LayerFile> {
  const range = openRange({ path: layer.path, offset: 0, size: layer.size });
  const writer = new BlobStore(ctx.paths).begin();
  try {
    const raw = readRange(range, true);
    const plain = from === "none" ? raw : decompress(raw, from);
    for await (const piece of compressed(plain, recompression)) writer.write(piece);
    return { ...writer.finish(), temporary: true };
  } catch (error) {
    writer.abort();
    if (error instanceof StorageError) throw error;
    throw new StorageError(
      "compress-failed",
      `cannot compress layer ${layer.digest}: ${(error as Error).message}`,
      { cause: error },
    );
  } finally {
    closeRange(range);
  }
}

type Pieces = Iterable<Buffer> | AsyncIterable<Buffer>;

function compressed(plain: Pieces, { to, level }: Recompression): AsyncIterable<Buffer> {
  if (to === "gzip") return gzipBlocks(plain, level === undefined ? {} : { level });
  const { constants, createZstdCompress } = zlib();
  const { pipeline, Readable } = process.getBuiltinModule("node:stream");
  const params = { [constants.ZSTD_c_compressionLevel]: level ?? 3 };
  const stream = createZstdCompress({ chunkSize: CHUNK, params });
  pipeline(Readable.from(plain, { objectMode: true, highWaterMark: 2 }), stream, () => {});
  return stream;
}

/** As many blocks at once as there are cores, handed on in their order. */
async function* gzipBlocks(plain: Pieces, options: object): AsyncGenerator<Buffer> {
  const { promisify } = process.getBuiltinModule("node:util");
  const compress = promisify<Buffer, object, Buffer>(zlib().gzip);
  const waiting: Promise<Buffer>[] = [];
  for await (const block of blocks(plain, availableParallelism() + 2)) {
    const done = compress(block, options);
    done.catch(() => {});
    waiting.push(done);
    if (waiting.length > availableParallelism()) yield (await waiting.shift()) as Buffer;
  }
  for (const done of waiting) yield await done;
}

/**
 * The same bytes in pieces of one size; one empty piece if there are none. Each is valid until `ring` more were
 * asked for.
 */
async function* blocks(pieces: Pieces, ring: number): AsyncGenerator<Buffer> {
  const buffers = Array.from({ length: ring }, () => Buffer.allocUnsafe(BLOCK));
  let count = 0;
  let filled = 0;
  for await (const piece of pieces) {
    for (let used = 0; used < piece.length; ) {
      const block = buffers[count % ring] as Buffer;
      const taken = piece.copy(block, filled, used);
      used += taken;
      filled += taken;
      if (filled < BLOCK) continue;
      yield block;
      count += 1;
      filled = 0;
    }
  }
  if (filled > 0 || count === 0) yield (buffers[count % ring] as Buffer).subarray(0, filled);
}
