/** A layer made where its files are: nobody writes its tar, but its digest and its recording are those of the tar. */
import { type Digest, Digester } from "../oci/index.ts";
import type { LayerRecorder } from "./recorder.ts";
import { END_MARKER_SIZE, entryHeader, entryPadding } from "./tar/layer-writer.ts";
import type { TarEntry, TarHandler } from "./tar/parser.ts";

export interface HashedLayer {
  readonly diffId: Digest;
  /** Bytes of the files' content. */
  readonly size: number;
  readonly tarSize: number;
}

/** The tar as bytes for the hash, and as headers and names of files for the recording. */
export class LayerHasher implements TarHandler {
  readonly #digester = new Digester();
  readonly #recorder: LayerRecorder;
  #entry: TarEntry | undefined;
  #size = 0;

  constructor(recorder: LayerRecorder) {
    this.#recorder = recorder;
  }

  entry(entry: TarEntry): void {
    this.#entry = entry;
    this.#raw(entryHeader(entry));
  }

  data(chunk: Buffer): void {
    this.#size += chunk.length;
    this.#digester.update(chunk);
  }

  endEntry(): void {
    const entry = this.#entry as TarEntry;
    if (entry.size === 0) return;
    this.#recorder.file(entry.name, entry);
    this.#raw(entryPadding(entry.size));
  }

  end(): HashedLayer {
    this.#raw(Buffer.alloc(END_MARKER_SIZE));
    return { tarSize: this.#digester.size, size: this.#size, diffId: this.#digester.digest() };
  }

  #raw(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#digester.update(bytes);
    this.#recorder.raw(bytes);
  }
}
