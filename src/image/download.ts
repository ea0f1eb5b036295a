/** One blob from a registry into the store: gone on with where an earlier attempt broke, and verified. */
import { linkSync } from "node:fs";
import { collectGarbage, errnoCode, StorageError } from "../base/index.ts";
import { type Descriptor, Digester } from "../oci/index.ts";
import { backOff, type Repository, sleep, TransientError } from "../registry/index.ts";
import type { Context } from "../state/index.ts";
import { BlobStore, PartialBlob } from "../storage/index.ts";
import type { BlobMeter } from "./progress.ts";

/** Bytes received between two collections. */
const GARBAGE = 8 << 20;

export interface BlobDownload {
  readonly repository: Repository;
  readonly blob: Descriptor;
  /** Where the bytes appear, as they come. */
  readonly path: string;
  readonly meter: BlobMeter;
  readonly signal: AbortSignal;
}

/** Attempts in a row that may bring nothing new. */
const BARREN_ATTEMPTS = 5;
const POLL_MS = 100;
/** After a connection that brought something. */
const MENDED_PAUSE_MS = 100;

/**
 * Resolves when all bytes are at `path` and have the digest. Broken connections are mended; what is there
 * stays for a later download if this one fails.
 *
 * @throws {StorageError} `digest-mismatch`, or `download-stale` if what an earlier download left was wrong
 */
export async function downloadBlob(ctx: Context, download: BlobDownload): Promise<void> {
  const partial = await claim(ctx, download);
  if (partial === undefined) return download.meter.end("exists");
  try {
    await fill(partial, download);
    download.meter.end("done");
  } finally {
    partial.release();
  }
}

/** The blob's lock; undefined if another process has finished it, whose copy is at `path` then. */
async function claim(ctx: Context, download: BlobDownload): Promise<PartialBlob | undefined> {
  const store = new BlobStore(ctx.paths);
  const { digest, size } = download.blob;
  for (let told = false; ; told = true) {
    if (store.size(digest) === size && linkExisting(store.path(digest), download.path)) return undefined;
    const partial = PartialBlob.tryOpen(ctx.paths, digest);
    if (partial !== undefined) {
      partial.link(download.path);
      return partial;
    }
    if (!told) download.meter.waiting();
    await sleep(POLL_MS, download.signal);
    download.signal.throwIfAborted();
  }
}

function linkExisting(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return false;
    throw error;
  }
}

async function fill(partial: PartialBlob, { repository, blob, meter, signal }: BlobDownload): Promise<void> {
  const digester = new Digester();
  if (partial.size > blob.size) partial.restart();
  const resumed = partial.size;
  for (const piece of partial.content()) digester.update(piece);
  const receive = async () => {
    const stream = await repository.blob(blob, partial.size, signal);
    let skip = partial.size - stream.from;
    for await (const piece of stream.pieces) {
      const fresh = skip > 0 ? piece.subarray(Math.min(skip, piece.length)) : piece;
      skip = Math.max(0, skip - piece.length);
      if (partial.size + fresh.length > blob.size) throw tooLong(partial, blob);
      digester.update(fresh);
      partial.append(fresh);
      meter.at(partial.size);
      collectGarbage(piece.length, GARBAGE);
    }
  };
  for (let barren = 0; partial.size < blob.size; ) {
    const before = partial.size;
    const error = await broken(receive, blob, partial);
    if (error === undefined) break;
    barren = partial.size > before ? 0 : barren + 1;
    if (barren >= BARREN_ATTEMPTS || signal.aborted) throw error;
    await sleep(Math.max(error.retryAfterMs ?? 0, barren === 0 ? MENDED_PAUSE_MS : backOff(barren)), signal);
  }
  const found = digester.digest();
  if (found === blob.digest) return;
  partial.remove();
  throw new StorageError(
    resumed > 0 ? "download-stale" : "digest-mismatch",
    `cannot use blob ${blob.digest}: what was downloaded has the digest ${found}`,
  );
}

/** Undefined if all has come; any other failure than a broken connection is thrown. */
async function broken(
  receive: () => Promise<void>,
  blob: Descriptor,
  partial: PartialBlob,
): Promise<TransientError | undefined> {
  try {
    await receive();
  } catch (error) {
    if (error instanceof TransientError) return error;
    throw error;
  }
  if (partial.size === blob.size) return undefined;
  return new TransientError(
    "connection-broken",
    `cannot download ${blob.digest}: it ended after ${partial.size} of ${blob.size} bytes`,
  );
}

function tooLong(partial: PartialBlob, blob: Descriptor): StorageError {
  partial.remove();
  return new StorageError(
    "digest-mismatch",
    `cannot use blob ${blob.digest}: the registry sends more than the ${blob.size} bytes the image promises`,
  );
}
