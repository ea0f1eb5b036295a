/** The job `archive-tree`: a directory tree as a tar, into a file or a stream that was opened by the caller. */
import { errnoCode, KelpError, StorageError } from "../base/index.ts";
import { errnoText, loadLibc, writeOut } from "../host/index.ts";
import type { Owners } from "./copy-job.ts";
import { LayerWriter } from "./tar/layer-writer.ts";
import { Directory } from "./tree/directory.ts";
import { TreeEmitter } from "./tree/emit.ts";
import { type LayerPart, layerOptions } from "./tree/layer-part.ts";

export interface ArchiveInput {
  /** The root of the tree; its own name is not in the archive. */
  readonly path: string;
  /** Where the bytes go: 3 is the first descriptor that was passed along. */
  readonly fd: number;
  /** Only this part of it, for a layer; the root itself is an entry then. */
  readonly layer?: LayerPart;
  /** The ids of the container whose files these are. */
  readonly owners?: Owners | undefined;
  /** For messages. */
  readonly name: string;
}

/** @throws {ReaderGoneError} · @throws {StorageError} `archive-failed`, `disk-full`, `read-failed` */
export async function archiveTree(input: ArchiveInput): Promise<{ bytes: number }> {
  const libc = loadLibc();
  let bytes = 0;
  const writer = new LayerWriter((piece) => {
    write(input.fd, piece, input.name);
    bytes += piece.length;
  });
  const part = input.layer === undefined ? {} : layerOptions(libc, input.path, input.layer);
  const emitter = new TreeEmitter(writer, { libc, owners: input.owners, ...part });
  const root = Directory.open(input.path);
  try {
    emitter.directory(root, input.layer === undefined ? "" : ".");
    writer.end();
  } finally {
    root.close();
  }
  return { bytes };
}

function write(fd: number, piece: Uint8Array, name: string): void {
  try {
    writeOut(fd, piece);
  } catch (error) {
    throw error instanceof KelpError ? error : writeFailed(errnoCode(error), name, error);
  }
}

function writeFailed(code: string | undefined, name: string, cause: unknown): StorageError {
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new StorageError(
    full ? "disk-full" : "archive-failed",
    `cannot write ${name}: ${errnoText(code) ?? code ?? cause}`,
    { cause },
  );
}
