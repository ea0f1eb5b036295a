/**
 * Blobs that are being downloaded: `partial/HEX`, kept when a download breaks so that a later one goes on
 * where it ended. Who holds the file's lock downloads it; everybody else waits for the same bytes.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { errnoCode } from "../base/index.ts";
import { ensureDir, loadLibc, type Paths, writeError } from "../host/index.ts";
import { type Digest, digestHex } from "../oci/index.ts";
import { CHUNK } from "./source.ts";

/** A blob whose lock is ours. */
export class PartialBlob {
  readonly path: string;
  readonly #fd: number;
  #size: number;
  #open = true;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
    this.#size = fstatSync(fd).size;
  }

  /** The blob's file, made if it is not there; undefined while another process downloads it. */
  static tryOpen(paths: Paths, digest: Digest): PartialBlob | undefined {
    const directory = partialDir(paths);
    ensureDir(directory);
    const path = join(directory, digestHex(digest));
    const libc = loadLibc();
    for (;;) {
      const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
      if (!libc.flock(fd, "exclusive", true)) {
        closeSync(fd);
        return undefined;
      }
      // Whoever had the lock before may have removed the file that was opened here.
      if (lstatSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino)
        return new PartialBlob(path, fd);
      closeSync(fd);
    }
  }

  /** Bytes that are there. */
  get size(): number {
    return this.#size;
  }

  /** What an earlier download left, in pieces of one buffer. */
  *content(): Generator<Buffer> {
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (let at = 0; at < this.#size; ) {
      const got = readSync(this.#fd, buffer, 0, Math.min(CHUNK, this.#size - at), at);
      if (got === 0) return;
      at += got;
      yield buffer.subarray(0, got);
    }
  }

  /** @throws {StorageError} `disk-full`, `write-failed` */
  append(piece: Uint8Array): void {
    try {
      for (let at = 0; at < piece.length; ) {
        const written = writeSync(this.#fd, piece, at, piece.length - at, this.#size);
        at += written;
        this.#size += written;
      }
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  /** Throws away what is there, because it cannot be part of the blob. */
  restart(): void {
    ftruncateSync(this.#fd, 0);
    this.#size = 0;
  }

  /** Gives the file a second name that stays whatever others do with the first. */
  link(name: string): void {
    linkSync(this.path, name);
  }

  /** Unlocks; the bytes stay for the next download. */
  release(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }

  /** The bytes are wrong, or have found their place: nobody shall go on with them. */
  remove(): void {
    rmSync(this.path, { force: true });
    this.release();
  }
}

function partialDir(paths: Paths): string {
  return join(paths.data, "partial");
}

/** Removes the begun downloads nobody has touched for so long. The caller holds the store's lock alone. */
export function removePartials(paths: Paths, olderThanMs: number): void {
  for (const name of listPartials(paths)) {
    const path = join(partialDir(paths), name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found !== undefined && Date.now() - found.mtimeMs >= olderThanMs) rmSync(path, { force: true });
  }
}

/** Takes the begun download of a blob that has found its place away. */
export function forgetPartial(paths: Paths, digest: Digest): void {
  rmSync(join(partialDir(paths), digestHex(digest)), { force: true });
}

function listPartials(paths: Paths): string[] {
  try {
    return readdirSync(partialDir(paths));
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return [];
    throw error;
  }
}
