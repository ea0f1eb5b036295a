/**
 * The job `seal-layer`: a directory that overlay filled becomes a layer where it is. Its tar is only hashed, and
 * recorded so that it can be written out; the files are neither copied nor read twice.
 */
import {
  existsSync,
  lstatSync,
  lutimesSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  unlinkSync,
} from "node:fs";
import { type Libc, loadLibc } from "../host/index.ts";
import { OPAQUE_MARKER } from "../oci/index.ts";
import { fsPath } from "./entry-path.ts";
import { type HashedLayer, LayerHasher } from "./layer-hasher.ts";
import { LayerRecorder } from "./recorder.ts";
import { lockFileShared } from "./store-lock.ts";
import { syncTree } from "./sync.ts";
import { Directory } from "./tree/directory.ts";
import { TreeEmitter } from "./tree/emit.ts";
import { LowerView } from "./tree/lower-view.ts";
import { OPAQUE_XATTR } from "./xattrs.ts";

export interface SealInput {
  readonly lock: string;
  /** Overlay's upper directory; nothing is mounted on it any more. */
  readonly upper: string;
  /** Where it is moved to. */
  readonly dir: string;
  readonly recording: string;
  /** Directories of the layers below, topmost first. */
  readonly lower: readonly string[];
  /** Absolute paths made to mount something on: they go if they are empty and new. */
  readonly mountPoints: readonly string[];
  /** Seconds: what is younger gets this time. */
  readonly maxTime?: number | undefined;
}

export async function sealLayer(input: SealInput): Promise<HashedLayer> {
  const lock = await lockFileShared(input.lock);
  try {
    const libc = loadLibc();
    renameSync(input.upper, input.dir);
    removeMountPoints(libc, input);
    keepRootTime(input);
    if (input.maxTime !== undefined) limitTimes(Buffer.from(input.dir), input.maxTime);
    const sealed = hashTree(libc, input);
    syncTree(libc, input.dir);
    return sealed;
  } finally {
    lock.release();
  }
}

/** A step that changed nothing is the same layer whenever it ran. */
function keepRootTime({ dir, lower }: SealInput): void {
  const below = lower[0];
  if (below === undefined || readdirSync(dir).length > 0) return;
  const { mtimeMs } = lstatSync(below);
  lutimesSync(dir, mtimeMs / 1000, mtimeMs / 1000);
}

function hashTree(libc: Libc, { dir, recording, lower }: SealInput): HashedLayer {
  const recorder = new LayerRecorder(recording);
  const handler = new LayerHasher(recorder);
  const root = Directory.open(dir);
  try {
    new TreeEmitter(handler, { libc, layer: true, lower }).directory(root, ".");
    return handler.end();
  } finally {
    root.close();
    recorder.close();
  }
}

/** Deepest first, so that a directory made for one that was made in it goes as well. */
function removeMountPoints(libc: Libc, { dir, lower, mountPoints }: SealInput): void {
  const sorted = [...new Set(mountPoints)].sort((a, b) => b.split("/").length - a.split("/").length);
  for (const path of sorted) {
    for (
      let parts = path.split("/").filter((part) => part !== "");
      parts.length > 0;
      parts = parts.slice(0, -1)
    )
      if (!removeIfIdle(libc, dir, lower, parts)) break;
  }
}

/** Removes an empty file or directory that the layers below lack, or have just like this. No link is followed. */
function removeIfIdle(libc: Libc, dir: string, lower: readonly string[], parts: readonly string[]): boolean {
  const found = realEntry(dir, parts);
  const below = lowerLooks(libc, lower, parts);
  if (found === undefined || !isEmpty(found.path, found.looks, below === undefined)) return false;
  if (below !== undefined) {
    const same = found.looks.isDirectory() && below.isDirectory() && below.mode === found.looks.mode;
    if (!same || below.uid !== found.looks.uid || below.gid !== found.looks.gid) return false;
    if (isOpaque(libc, found.path)) return false;
  }
  if (!found.looks.isDirectory()) unlinkSync(found.path);
  else {
    for (const name of readdirSync(found.path, { encoding: "buffer" })) rmSync(inside(found.path, name));
    rmdirSync(found.path);
  }
  return true;
}

function inside(path: string | Buffer, name: string | Buffer): Buffer {
  return Buffer.concat([Buffer.from(path), SLASH, Buffer.from(name)]);
}

function isOpaque(libc: Libc, path: string | Buffer): boolean {
  return libc.lgetxattr(path, OPAQUE_XATTR) !== undefined || existsSync(inside(path, OPAQUE_MARKER));
}

function realEntry(
  dir: string,
  parts: readonly string[],
): { path: string | Buffer; looks: Stats } | undefined {
  for (let depth = 1; depth <= parts.length; depth++) {
    const path = fsPath(dir, parts.slice(0, depth).join("/"));
    const looks = lstatSync(path, { throwIfNoEntry: false });
    if (looks === undefined) return undefined;
    if (depth === parts.length) return { path, looks };
    if (!looks.isDirectory()) return undefined;
  }
  return undefined;
}

/** fuse-overlayfs writes whiteouts into every directory it makes: where nothing is below they mean nothing. */
function isEmpty(path: string | Buffer, looks: Stats, isNew: boolean): boolean {
  if (looks.isDirectory()) return readdirSync(path).every((name) => isNew && name.startsWith(".wh."));
  return looks.isFile() && looks.size === 0;
}

function lowerLooks(libc: Libc, lower: readonly string[], parts: readonly string[]): Stats | undefined {
  const views = [LowerView.open(libc, lower)];
  try {
    for (const part of parts.slice(0, -1)) views.push((views.at(-1) as LowerView).child(part));
    return views.at(-1)?.get(parts.at(-1) as string)?.looks;
  } finally {
    for (const view of views) view.close();
  }
}

const SLASH = Buffer.from("/");

/** Whatever is younger than `seconds` gets that time. */
function limitTimes(path: Buffer, seconds: number): void {
  const looks = lstatSync(path);
  if (looks.isDirectory()) {
    for (const name of readdirSync(path, { encoding: "buffer" }))
      limitTimes(Buffer.concat([path, SLASH, name]), seconds);
  }
  if (looks.mtimeMs > seconds * 1000) lutimesSync(path, seconds, seconds);
}
