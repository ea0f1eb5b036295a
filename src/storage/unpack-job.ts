/**
 * The job `unpack-layers`: decompresses, hashes, copies and unpacks layers in one pass over their
 * bytes, one after the other, each in a chroot of its own directory.
 */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { StorageError } from "../base/index.ts";
import { type Libc, loadLibc } from "../host/index.ts";
import { type Digest, Digester, type LayerCompression } from "../oci/index.ts";
import { type ExtractResult, LayerExtractor } from "./extract.ts";
import { explainUnpack } from "./extract-error.ts";
import { RingHasher, WORTH_A_THREAD } from "./hash-worker.ts";
import { LayerRecorder } from "./recorder.ts";
import {
  closeRange,
  decompress,
  type FileRange,
  followRange,
  type OpenRange,
  openRange,
  readRange,
  sniffCompression,
} from "./source.ts";
import { lockFileShared } from "./store-lock.ts";
import { syncTree } from "./sync.ts";
import { archiveError } from "./tar/header.ts";
import { TarParser } from "./tar/parser.ts";
import { hasOneId } from "./tree/owners.ts";

export interface UnpackRequest {
  readonly source: FileRange;
  /** Absent: what the first bytes say. */
  readonly compression?: LayerCompression;
  /** The source is a blob verified by whoever downloads it, under a name of its own: neither hashed nor copied. */
  readonly verified?: boolean;
  /** An empty directory. */
  readonly dir: string;
  /** Where the recording of an uncompressed layer goes. */
  readonly recording: string;
  /** Where the blob goes if it must be kept: always if compressed, else if no recording is possible. */
  readonly blobOut: string;
  readonly blob?: Digest;
  readonly diffId?: Digest;
  /** Decompressed bytes that are not believed any more. */
  readonly maxUnpacked: number;
  /** For messages. */
  readonly name: string;
}

export interface UnpackInput {
  readonly lock: string;
  readonly layers: readonly UnpackRequest[];
}

export interface UnpackedLayer extends ExtractResult {
  readonly diffId: Digest;
  /** Digest of the layer as it was stored; `diffId` if that was plain. */
  readonly blob: Digest;
  readonly blobSize: number;
  readonly compression: LayerCompression;
  /** Bytes of the plain tar. */
  readonly tarSize: number;
  readonly kept: "blob" | "recording";
}

/** @throws {StorageError} with nothing cleaned up: the caller owns all the paths. */
export async function unpackLayers(input: UnpackInput): Promise<UnpackedLayer[]> {
  const lock = await lockFileShared(input.lock);
  const libc = loadLibc();
  const single = hasOneId();
  libc.umask(0);
  try {
    const done: UnpackedLayer[] = [];
    for (const layer of input.layers) done.push(await unpackLayer(layer, libc, single));
    const first = input.layers[0];
    if (first !== undefined) syncTree(libc, first.dir);
    return done;
  } finally {
    lock.release();
  }
}

async function unpackLayer(layer: UnpackRequest, libc: Libc, single: boolean): Promise<UnpackedLayer> {
  const source = openRange(layer.source);
  const compression = layer.compression ?? (await sniff(source, layer.name));
  const plain = compression === "none";
  const recorder = plain ? new LayerRecorder(layer.recording) : undefined;
  const copy = plain || layer.verified === true ? undefined : openSync(layer.blobOut, "wx", 0o600);
  const extractor = new LayerExtractor({ root: "", confined: true, single, libc, recorder });
  const sink = new LayerSink(extractor, layer.maxUnpacked);
  const hasher = plain && source.size >= WORTH_A_THREAD ? await RingHasher.start() : undefined;
  try {
    const blob = await insideRoot(libc, layer.dir, () =>
      plain
        ? unpackPlain(source, sink, hasher)
        : unpackCompressed(source, compression, sink, { copy, layer }),
    );
    const result = sink.finish();
    checkDigests(layer, result.diffId, blob ?? result.diffId);
    recorder?.close();
    const kept = keepPlain(layer, source, recorder);
    return { ...result, blob: blob ?? result.diffId, blobSize: layer.source.size, compression, kept };
  } catch (error) {
    throw explainUnpack(error, layer.name);
  } finally {
    extractor.abort();
    await hasher?.stop();
    if (copy !== undefined) closeSync(copy);
    closeRange(source);
  }
}

/** @throws {StorageError} `layer-compression` */
async function sniff(source: OpenRange, name: string): Promise<LayerCompression> {
  const chunks: Buffer[] = [];
  for await (const piece of followRange({ ...source, size: Math.min(6, source.size) })) chunks.push(piece);
  const found = sniffCompression(Buffer.concat(chunks));
  if (found !== "bzip2" && found !== "xz") return found;
  throw new StorageError(
    "layer-compression",
    `cannot use ${name}: layers compressed with ${found} are not known to the image formats`,
  );
}

/**
 * Runs `action` with `dir` as the root directory. The working directory stays at the old root, which
 * is the way back; the action must use absolute paths only.
 */
async function insideRoot<T>(libc: Libc, dir: string, action: () => Promise<T>): Promise<T> {
  process.chdir("/");
  libc.chroot(dir);
  try {
    return await action();
  } finally {
    libc.chroot(".");
  }
}

async function unpackPlain(
  source: OpenRange,
  sink: LayerSink,
  hasher: RingHasher | undefined,
): Promise<undefined> {
  for (const piece of hasher?.read(source) ?? readRange(source)) sink.push(piece, hasher !== undefined);
  sink.end(await hasher?.digest());
}

/** Returns the digest of the compressed bytes. */
async function unpackCompressed(
  source: OpenRange,
  compression: "gzip" | "zstd",
  sink: LayerSink,
  { copy, layer }: { copy: number | undefined; layer: UnpackRequest },
): Promise<Digest> {
  const verified = layer.verified === true ? layer.blob : undefined;
  const tally = new Tally(verified === undefined ? new Digester() : undefined, copy);
  const raw = source.watch === undefined ? readRange(source, true) : followRange(source);
  for await (const piece of decompress(tally.watch(raw), compression)) sink.push(piece);
  sink.end();
  if (tally.size !== source.size) throw archiveError("bytes follow its compressed data");
  return verified ?? tally.digest();
}

/** Sees compressed bytes pass: counts, hashes and copies them, as far as that is wanted. */
class Tally {
  size = 0;
  readonly #digester: Digester | undefined;
  readonly #copy: number | undefined;

  constructor(digester: Digester | undefined, copy: number | undefined) {
    this.#digester = digester;
    this.#copy = copy;
  }

  async *watch(pieces: Iterable<Buffer> | AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      this.size += piece.length;
      this.#digester?.update(piece);
      if (this.#copy !== undefined) writeAll(this.#copy, piece);
      yield piece;
    }
  }

  digest(): Digest {
    return (this.#digester as Digester).digest();
  }
}

function writeAll(fd: number, piece: Buffer): void {
  for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
}

/** Where a layer's plain bytes end up: the hash that names it, and the extractor. */
class LayerSink {
  readonly #digester = new Digester();
  readonly #parser: TarParser;
  readonly #extractor: LayerExtractor;
  readonly #limit: number;
  #size = 0;
  #result: (ExtractResult & { diffId: Digest; tarSize: number }) | undefined;

  constructor(extractor: LayerExtractor, limit: number) {
    this.#extractor = extractor;
    this.#parser = new TarParser(extractor);
    this.#limit = limit;
  }

  /** @param hashed somebody else hashes these bytes */
  push(piece: Buffer, hashed = false): void {
    this.#size += piece.length;
    if (this.#size > this.#limit) {
      throw new StorageError(
        "archive-too-large",
        `cannot unpack layer: it grows beyond ${this.#limit} bytes, which is out of proportion to its compressed size`,
      );
    }
    if (!hashed) this.#digester.update(piece);
    this.#parser.push(piece);
  }

  /** Inside the layer's root: the times of directories are set now. */
  end(diffId?: Digest): void {
    this.#parser.end();
    const result = this.#extractor.finish();
    this.#result = { ...result, tarSize: this.#size, diffId: diffId ?? this.#digester.digest() };
  }

  finish(): ExtractResult & { diffId: Digest; tarSize: number } {
    return this.#result as ExtractResult & { diffId: Digest; tarSize: number };
  }
}

function checkDigests(layer: UnpackRequest, diffId: Digest, blob: Digest): void {
  if (layer.blob !== undefined && layer.blob !== blob) throw mismatch(layer.name, "digest", blob, layer.blob);
  if (layer.diffId !== undefined && layer.diffId !== diffId)
    throw mismatch(layer.name, "diffID", diffId, layer.diffId);
}

function mismatch(name: string, what: string, found: Digest, promised: Digest): StorageError {
  return new StorageError(
    "digest-mismatch",
    `cannot use ${name}: its ${what} is ${found}, the image promises ${promised}`,
  );
}

/** A plain layer is kept as its recording, or as it is where that was not possible. */
function keepPlain(
  layer: UnpackRequest,
  source: OpenRange,
  recorder: LayerRecorder | undefined,
): "blob" | "recording" {
  if (recorder === undefined) return "blob";
  if (recorder.usable) return "recording";
  rmSync(layer.recording, { force: true });
  if (layer.verified === true) return "blob";
  const fd = openSync(layer.blobOut, "wx", 0o600);
  try {
    for (const piece of readRange(source)) writeAll(fd, piece);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return "blob";
}
