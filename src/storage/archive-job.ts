/** The job `archive-tree`: a directory tree as a tar, into a file or a stream that was opened by the caller. */
import { writeSync } from "node:fs";
import { errnoCode, StorageError } from "../base/index.ts";
import { errnoText, type Libc, loadLibc } from "../host/index.ts";
import type { Owners } from "./copy-job.ts";
import { LayerWriter } from "./tar/layer-writer.ts";
import { treeChanges } from "./tree/changes.ts";
import { Directory } from "./tree/directory.ts";
import { type EmitOptions, TreeEmitter } from "./tree/emit.ts";
import { LowerView } from "./tree/lower-view.ts";

export interface ArchiveInput {
  /** The root of the tree; its own name is not in the archive. */
  readonly path: string;
  /** Where the bytes go: 3 is the first descriptor that was passed along. */
  readonly fd: number;
  /** Only what differs from these layers (topmost first), with whiteouts for what is missing; the root itself is an entry. */
  readonly layer?: {
    readonly lower: readonly string[];
    /** `path` is not overlay's own record of the changes but holds all files. */
    readonly whole: boolean;
    /** Absolute paths that are left out if they are new and hold nothing: what a start makes to mount on. */
    readonly mountPoints: readonly string[];
  };
  /** The ids of the container whose files these are. */
  readonly owners?: Owners | undefined;
  /** For messages. */
  readonly name: string;
}

/** @throws {StorageError} `archive-failed`, `disk-full`, `read-failed` */
export async function archiveTree(input: ArchiveInput): Promise<{ bytes: number }> {
  const libc = loadLibc();
  let bytes = 0;
  const writer = new LayerWriter((piece) => {
    writeAll(input.fd, piece, input.name);
    bytes += piece.length;
  });
  const emitter = new TreeEmitter(writer, { libc, owners: input.owners, ...layerOptions(libc, input) });
  const root = Directory.open(input.path);
  try {
    emitter.directory(root, input.layer === undefined ? "" : ".");
    writer.end();
  } finally {
    root.close();
  }
  return { bytes };
}

function layerOptions(libc: Libc, { path, layer }: ArchiveInput): Omit<EmitOptions, "libc"> {
  if (layer === undefined) return {};
  if (layer.whole) return differenceOptions(libc, path, layer);
  const made = layer.mountPoints
    .filter((point) => !isThere(libc, layer.lower, point))
    .map((point) => point.slice(1));
  const bare = bareMountPoints(path, made);
  return { layer: true, skip: (name) => bare.has(name) };
}

/** Those that hold nothing but one another. */
function bareMountPoints(root: string, made: readonly string[]): Set<string> {
  const bare = new Set<string>();
  const deepestFirst = [...made].sort((a, b) => b.length - a.length);
  for (const path of deepestFirst) {
    const parts = path.split("/");
    const dirs = [Directory.open(root)];
    try {
      for (const part of parts.slice(0, -1)) dirs.push((dirs.at(-1) as Directory).child(part));
      if (isBare(dirs.at(-1) as Directory, parts.at(-1) as string, path, bare)) bare.add(path);
    } catch (error) {
      if (!["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoCode(error) ?? "")) throw error;
    } finally {
      for (const dir of dirs) dir.close();
    }
  }
  return bare;
}

function isBare(parent: Directory, name: string, path: string, bare: ReadonlySet<string>): boolean {
  const looks = parent.stat(name);
  if (looks?.isDirectory() !== true) return looks?.isFile() === true && looks.size === 0;
  const dir = parent.child(name);
  try {
    return dir.names().every((inner) => bare.has(`${path}/${inner}`));
  } finally {
    dir.close();
  }
}

function isThere(libc: Libc, lower: readonly string[], path: string): boolean {
  const parts = path.slice(1).split("/");
  const views = [LowerView.open(libc, lower)];
  for (const part of parts.slice(0, -1)) views.push((views.at(-1) as LowerView).child(part));
  const found = (views.at(-1) as LowerView).get(parts.at(-1) as string) !== undefined;
  for (const view of views) view.close();
  return found;
}

/** The changes are found first; then the tree is gone through again for what they name. */
function differenceOptions(
  libc: Libc,
  upper: string,
  { lower, mountPoints }: NonNullable<ArchiveInput["layer"]>,
): Omit<EmitOptions, "libc"> {
  const changes = treeChanges(libc, { upper, lower, whole: true, ignore: mountPoints });
  const removed = new Map<string, string[]>();
  const kept = new Set<string>();
  for (const { kind, path } of changes) {
    const slash = path.lastIndexOf("/");
    const parent = path.slice(1, Math.max(slash, 1));
    if (kind !== "D") kept.add(path.slice(1));
    else removed.set(parent, [...(removed.get(parent) ?? []), path.slice(slash + 1)]);
    for (let at = parent; at !== ""; at = at.slice(0, Math.max(at.lastIndexOf("/"), 0))) kept.add(at);
  }
  return { skip: (name) => !kept.has(name), removed: (path) => removed.get(path) ?? [] };
}

const nap = new Int32Array(new SharedArrayBuffer(4));

/** A full pipe that does not block is waited for. */
function writeAll(fd: number, piece: Uint8Array, name: string): void {
  for (let at = 0; at < piece.length; ) {
    try {
      at += writeSync(fd, piece, at);
    } catch (error) {
      const code = errnoCode(error);
      if (code === "EAGAIN") Atomics.wait(nap, 0, 0, 2);
      else throw writeFailed(code, name, error);
    }
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
