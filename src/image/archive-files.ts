/** The files of an image archive or directory by their names in it. */
import { lstatSync, realpathSync } from "node:fs";
import { join, sep } from "node:path";
import { StorageError } from "../base/index.ts";
import { type Descriptor, type Digest, digestHex, parseDigest, sha256 } from "../oci/index.ts";
import { closeRange, type FileRange, openRange, printable, readRange, TarIndex } from "../storage/index.ts";
import type { ImageInput } from "./input.ts";

export interface ArchiveFiles {
  find(name: string): FileRange | undefined;
}

/** @throws {StorageError} `archive-invalid` */
export function openArchive(input: ImageInput): ArchiveFiles {
  return input.kind === "directory" ? new DirectoryFiles(input.path) : new TarIndex(input.path, input.size);
}

/** Regular files beneath a directory; a link out of it finds nothing. */
class DirectoryFiles implements ArchiveFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = realpathSync(root);
  }

  find(name: string): FileRange | undefined {
    try {
      const path = realpathSync(join(this.#root, name));
      const found = lstatSync(path);
      return found.isFile() && path.startsWith(this.#root + sep)
        ? { path, offset: 0, size: found.size }
        : undefined;
    } catch {
      return undefined;
    }
  }
}

/** A document's bytes. @throws {StorageError} `archive-incomplete`, `document-too-large` */
export function readFile(files: ArchiveFiles, name: string, limit: number): Buffer {
  const range = files.find(name);
  if (range === undefined) throw missing(name);
  return readAll(range, name, limit);
}

export function readAll(range: FileRange, name: string, limit: number): Buffer {
  if (range.size > limit) {
    throw new StorageError(
      "document-too-large",
      `cannot read ${printable(name)}: ${range.size} bytes, the limit is ${limit}`,
    );
  }
  const open = openRange(range);
  try {
    return Buffer.concat([...readRange(open, true)]);
  } finally {
    closeRange(open);
  }
}

export function missing(name: string): StorageError {
  return new StorageError("archive-incomplete", `cannot read archive: it has no file ${printable(name)}`);
}

/** Where OCI layouts keep a blob. */
export function blobName(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`;
}

/** A document by its descriptor: size and digest are verified on the bytes that are returned. */
export function readDocument(
  range: FileRange | undefined,
  descriptor: Descriptor,
  what: string,
  limit: number,
): Buffer {
  if (range === undefined) throw missing(`${what} ${descriptor.digest}`);
  const bytes = readAll(range, what, limit);
  const found = sha256(bytes);
  if (bytes.length !== descriptor.size || found !== parseDigest(descriptor.digest, what)) {
    throw new StorageError(
      "digest-mismatch",
      `cannot use ${what}: its digest is ${found} (${bytes.length} bytes), the image promises ${descriptor.digest} (${descriptor.size} bytes)`,
    );
  }
  return bytes;
}
