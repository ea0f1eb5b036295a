/** Content-addressed files: a blob is visible under its digest when all of it is there and was verified. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { errnoCode, randomHex, StorageError } from "../base/index.ts";
import { blobPath, ensureDir, type Paths, syncDirectory, tempDir, writeError } from "../host/index.ts";
import { type Digest, Digester, digestHex, isDigest, sha256 } from "../oci/index.ts";

export interface BlobCheck {
  readonly size?: number | undefined;
  readonly quick?: boolean;
}

export type BlobDamage = "missing" | "size" | "digest";

const HASH_PIECE = 1 << 20;

export class BlobStore {
  readonly #paths: Paths;

  constructor(paths: Paths) {
    this.#paths = paths;
  }

  path(digest: Digest): string {
    return blobPath(this.#paths, digestHex(digest));
  }

  has(digest: Digest): boolean {
    return existsSync(this.path(digest));
  }

  /** Bytes, or undefined if it is not there. */
  size(digest: Digest): number | undefined {
    return lstatSync(this.path(digest), { throwIfNoEntry: false })?.size;
  }

  /**
   * A document (manifest, config), verified.
   *
   * @throws {StorageError} `blob-missing` or `blob-damaged`
   */
  read(digest: Digest): Buffer {
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.path(digest));
    } catch (error) {
      if (errnoCode(error) !== "ENOENT") throw error;
      throw new StorageError("blob-missing", `cannot read blob ${digest}: it is not in the store`, {
        cause: error,
        hint: MEND,
      });
    }
    if (sha256(bytes) !== digest) {
      throw new StorageError("blob-damaged", `cannot use blob ${digest}: its content has changed on disk`, {
        hint: MEND,
      });
    }
    return bytes;
  }

  /** Stores a document. Its name is on disk, not yet synced: see `sync`. */
  put(bytes: Uint8Array): Digest {
    const writer = this.begin();
    writer.write(bytes);
    return writer.commit();
  }

  /** A blob to be filled. The caller holds the store's lock shared. */
  begin(): BlobWriter {
    return new BlobWriter(this.#paths, this);
  }

  /** A fresh name in the directory of half-made things. */
  temporary(kind: string): string {
    const dir = tempDir(this.#paths);
    ensureDir(dir);
    return join(dir, `${kind}-${randomHex(8)}`);
  }

  /**
   * Gives a verified and synced temporary file its place. A blob that is there already is replaced: it has the same
   * bytes, or has been damaged and is mended by this.
   */
  adopt(temporary: string, digest: Digest): void {
    const target = this.path(digest);
    if (temporary === target) return;
    ensureDir(dirname(target));
    renameSync(temporary, target);
  }

  /**
   * What is wrong with a blob, by its length and, unless `quick`, by its content.
   *
   * @param size what a manifest says of it
   */
  damage(digest: Digest, { size, quick = false }: BlobCheck = {}): BlobDamage | undefined {
    const found = this.size(digest);
    if (found === undefined) return "missing";
    if (size !== undefined && found !== size) return "size";
    return quick || this.#hash(digest) === digest ? undefined : "digest";
  }

  #hash(digest: Digest): Digest {
    const digester = new Digester();
    const fd = openSync(this.path(digest), "r");
    const buffer = Buffer.allocUnsafe(HASH_PIECE);
    try {
      for (let got = readSync(fd, buffer); got > 0; got = readSync(fd, buffer))
        digester.update(buffer.subarray(0, got));
    } finally {
      closeSync(fd);
    }
    return digester.digest();
  }

  /** Makes the names of new blobs survive a power cut; before they are recorded. */
  sync(): void {
    const dir = dirname(this.path(EMPTY));
    if (existsSync(dir)) syncDirectory(dir);
  }

  list(): Digest[] {
    try {
      const names = readdirSync(dirname(this.path(EMPTY)));
      return names.map((name) => `sha256:${name}`).filter(isDigest);
    } catch (error) {
      if (errnoCode(error) === "ENOENT") return [];
      throw error;
    }
  }

  /** The caller holds the store's lock alone. */
  remove(digest: Digest): void {
    try {
      unlinkSync(this.path(digest));
    } catch (error) {
      if (errnoCode(error) !== "ENOENT") throw error;
    }
  }
}

const EMPTY = `sha256:${"0".repeat(64)}` as Digest;
const MEND = "`kelp system check --repair` mends what can be mended";

/** A blob on its way in: written under a temporary name, hashed as it comes. */
export class BlobWriter {
  readonly #store: BlobStore;
  readonly #path: string;
  readonly #fd: number;
  readonly #digester = new Digester();
  #open = true;

  constructor(paths: Paths, store: BlobStore) {
    ensureDir(paths.data);
    this.#store = store;
    this.#path = store.temporary("blob");
    this.#fd = openSync(this.#path, "wx", 0o600);
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#digester.size;
  }

  /** @throws {StorageError} `disk-full`, `write-failed` */
  write(piece: Uint8Array): void {
    this.#digester.update(piece);
    try {
      for (let at = 0; at < piece.length; ) at += writeSync(this.#fd, piece, at);
    } catch (error) {
      this.abort();
      throw writeError(this.#path, error);
    }
  }

  /**
   * Syncs, verifies and names the blob.
   *
   * @throws {StorageError} `digest-mismatch`; nothing is kept then
   */
  commit(expected?: { readonly digest?: Digest; readonly size?: number; readonly name?: string }): Digest {
    const size = this.#digester.size;
    const digest = this.#digester.digest();
    const name = expected?.name ?? "blob";
    if (expected?.size !== undefined && expected.size !== size) {
      this.abort();
      throw new StorageError(
        "digest-mismatch",
        `cannot use ${name}: it has ${size} bytes, the image promises ${expected.size}`,
      );
    }
    if (expected?.digest !== undefined && expected.digest !== digest) {
      this.abort();
      throw new StorageError(
        "digest-mismatch",
        `cannot use ${name}: its digest is ${digest}, the image promises ${expected.digest}`,
      );
    }
    fsyncSync(this.#fd);
    this.#close();
    this.#store.adopt(this.#path, digest);
    return digest;
  }

  /** Ends the writing without giving the file a name of its own: for copies that are used and removed. */
  finish(): { readonly path: string; readonly size: number; readonly digest: Digest } {
    this.#close();
    return { path: this.#path, size: this.#digester.size, digest: this.#digester.digest() };
  }

  /** Drops what was written; may be called at any time. */
  abort(): void {
    this.#close();
    rmSync(this.#path, { force: true });
  }

  #close(): void {
    if (this.#open) closeSync(this.#fd);
    this.#open = false;
  }
}
