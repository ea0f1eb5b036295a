/**
 * The job `copy-layer`: what a tree changes of the layers below it becomes a layer of its own, in one pass: while the files
 * are copied, the tar that they would be is hashed and recorded.
 */
import { mkdirSync } from "node:fs";
import { type Libc, loadLibc } from "../host/index.ts";
import type { Owners } from "./copy-job.ts";
import { LayerExtractor } from "./extract.ts";
import { type HashedLayer, LayerHasher } from "./layer-hasher.ts";
import { LayerRecorder } from "./recorder.ts";
import { lockFileShared } from "./store-lock.ts";
import { syncTree } from "./sync.ts";
import type { TarEntry, TarHandler } from "./tar/parser.ts";
import { Directory } from "./tree/directory.ts";
import { TreeEmitter } from "./tree/emit.ts";
import { type LayerPart, layerOptions } from "./tree/layer-part.ts";
import { hasOneId } from "./tree/owners.ts";

export interface CopyLayerInput {
  readonly lock: string;
  /** The tree. */
  readonly path: string;
  /** Absent: everything, as a layer that lies on no other. */
  readonly layer?: LayerPart;
  /** The ids of the container whose files these are. */
  readonly owners?: Owners | undefined;
  /** Seconds: what is younger gets this time. */
  readonly maxTime?: number | undefined;
  /** A directory to be made. */
  readonly dir: string;
  readonly recording: string;
}

/** @throws {StorageError} `disk-full`, `read-failed`, …; the caller removes what is there then */
export async function copyLayer(input: CopyLayerInput): Promise<HashedLayer> {
  const lock = await lockFileShared(input.lock);
  try {
    const libc = loadLibc();
    libc.umask(0);
    mkdirSync(input.dir, 0o755);
    const copied = copyTree(libc, input);
    syncTree(libc, input.dir);
    return copied;
  } finally {
    lock.release();
  }
}

function copyTree(libc: Libc, input: CopyLayerInput): HashedLayer {
  const { path, layer, owners, dir, recording, maxTime } = input;
  const recorder = new LayerRecorder(recording);
  const hasher = new LayerHasher(recorder);
  const extractor = new LayerExtractor({ root: dir, confined: false, single: hasOneId(), libc });
  const part = layer === undefined ? {} : layerOptions(libc, path, layer);
  const root = Directory.open(path);
  try {
    const both = new Both(hasher, extractor, maxTime);
    new TreeEmitter(both, { libc, owners, ...part }).directory(root, ".");
    extractor.finish();
    return hasher.end();
  } finally {
    extractor.abort();
    root.close();
    recorder.close();
  }
}

/** Tells two handlers the same, with no time after `maxTime`. */
class Both implements TarHandler {
  readonly #first: TarHandler;
  readonly #second: TarHandler;
  readonly #maxTime: number;

  constructor(first: TarHandler, second: TarHandler, maxTime = Number.POSITIVE_INFINITY) {
    this.#maxTime = maxTime;
    this.#first = first;
    this.#second = second;
  }

  entry(found: TarEntry): void {
    const entry = found.mtime > this.#maxTime ? { ...found, mtime: this.#maxTime } : found;
    this.#first.entry(entry);
    this.#second.entry(entry);
  }

  data(chunk: Buffer): void {
    this.#first.data(chunk);
    this.#second.data(chunk);
  }

  endEntry(): void {
    this.#first.endEntry();
    this.#second.endEntry();
  }
}
