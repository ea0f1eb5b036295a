/** Reading a stretch of a file in large pieces, and what comes out of it decompressed. */
import { closeSync, openSync, readSync } from "node:fs";
import { collectGarbage, errnoCode, StorageError } from "../base/index.ts";
import type { LayerCompression } from "../oci/index.ts";
import { DownloadWatch } from "./growing.ts";
import { archiveError } from "./tar/header.ts";

export const CHUNK = 1 << 20;
/** Of a download: small, because every piece of it is a buffer of its own until the next collection. */
const PIECE = 128 << 10;
/** Bytes decompressed between two collections. */
const GARBAGE = 32 << 20;

/** node:zlib and node:stream take 8 ms to load, which a `run` that unpacks nothing must not pay. */
export function zlib() {
  return process.getBuiltinModule("node:zlib");
}

/** A stretch of a regular file. */
export interface FileRange {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
  /** The file may not be there yet or be shorter; this file is locked for as long as it grows. */
  readonly sign?: string;
}

/** A range that has been opened: it can be read after a chroot. */
export interface OpenRange {
  readonly fd: number;
  readonly offset: number;
  readonly size: number;
  /** Present while somebody still writes the file. */
  readonly watch?: DownloadWatch;
}

/** @throws {StorageError} */
export function openRange(range: FileRange): OpenRange {
  const { offset, size } = range;
  const watch = range.sign === undefined ? undefined : new DownloadWatch(range.sign);
  try {
    if (watch !== undefined) return { fd: openLater(range.path, watch), offset, size, watch };
    return { fd: openSync(range.path, "r"), offset, size };
  } catch (error) {
    watch?.close();
    if (error instanceof StorageError) throw error;
    const reason = errnoCode(error) === "ENOENT" ? "it is missing" : (error as Error).message;
    throw new StorageError("read-failed", `cannot read ${range.path}: ${reason}`, { cause: error });
  }
}

/** The download of this file may have to wait for others. */
function openLater(path: string, watch: DownloadWatch): number {
  for (;;) {
    try {
      return openSync(path, "r");
    } catch (error) {
      if (errnoCode(error) !== "ENOENT") throw error;
    }
    watch.pauseSync();
  }
}

export function closeRange(range: OpenRange): void {
  range.watch?.close();
  closeSync(range.fd);
}

/**
 * Fills a part of `buffer` with what stands `done` bytes into the range; waits for it if the file grows.
 *
 * @throws {StorageError} if the file ends before the range does
 */
export function readPiece(range: OpenRange, done: number, buffer: Buffer): number {
  for (;;) {
    const wanted = Math.min(buffer.length, range.size - done);
    const got = readSync(range.fd, buffer, 0, wanted, range.offset + done);
    if (got > 0) return got;
    if (range.watch === undefined) throw archiveError("it ends too early");
    range.watch.pauseSync();
  }
}

/**
 * The bytes of a range, in pieces of one buffer: each is valid until the next is asked for,
 * unless `fresh` buffers are wanted.
 *
 * @throws {StorageError} if the file ends before the range does
 */
export function* readRange(range: OpenRange, fresh = false): Generator<Buffer> {
  const own = fresh ? undefined : Buffer.allocUnsafe(Math.min(CHUNK, Math.max(range.size, 1)));
  for (let done = 0; done < range.size; ) {
    const buffer = own ?? Buffer.allocUnsafe(Math.min(CHUNK, range.size - done));
    const got = readPiece(range, done, buffer);
    done += got;
    yield buffer.subarray(0, got);
  }
}

/** The bytes of a range whose file may be growing, in fresh buffers; other work goes on while it waits. */
export async function* followRange(range: OpenRange): AsyncGenerator<Buffer> {
  for (let done = 0; done < range.size; ) {
    const buffer = Buffer.allocUnsafe(Math.min(PIECE, range.size - done));
    const got = readSync(range.fd, buffer, 0, buffer.length, range.offset + done);
    if (got === 0 && range.watch === undefined) throw archiveError("it ends too early");
    if (got === 0) await range.watch?.pause();
    else yield buffer.subarray(0, got);
    done += got;
  }
}

/** Decompresses pieces as they come. @throws {StorageError} `archive-invalid` for what is not of that compression. */
export async function* decompress(
  pieces: Iterable<Buffer> | AsyncIterable<Buffer>,
  compression: Exclude<LayerCompression, "none">,
): AsyncGenerator<Buffer> {
  const options = { chunkSize: CHUNK >> 2 };
  const { createGunzip, createZstdDecompress } = zlib();
  const { pipeline, Readable } = process.getBuiltinModule("node:stream");
  const stream = compression === "gzip" ? createGunzip(options) : createZstdDecompress(options);
  pipeline(Readable.from(pieces, { objectMode: true, highWaterMark: 2 }), stream, () => {});
  try {
    for await (const piece of stream as AsyncIterable<Buffer>) {
      yield piece;
      collectGarbage(piece.length, GARBAGE);
    }
  } catch (error) {
    throw decompressionError(error, compression);
  }
}

function decompressionError(error: unknown, compression: string): unknown {
  if (error instanceof StorageError) return error;
  const code = errnoCode(error);
  const ours = code === undefined || !/^(Z_|ZSTD_|ERR_)/.test(code);
  if (ours && !(error instanceof Error && /unexpected end|premature/i.test(error.message))) return error;
  return new StorageError("archive-invalid", `cannot read archive: it is not intact ${compression} data`, {
    cause: error,
  });
}

/** What the first bytes of a file say it is compressed with. */
export function sniffCompression(head: Buffer): LayerCompression | "bzip2" | "xz" {
  if (head[0] === 0x1f && head[1] === 0x8b) return "gzip";
  if (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528) return "zstd";
  if (head.toString("latin1", 0, 3) === "BZh") return "bzip2";
  if (head.toString("latin1", 0, 6) === "\xfd7zXZ\0") return "xz";
  return "none";
}
