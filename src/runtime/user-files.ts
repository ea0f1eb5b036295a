/**
 * Reads /etc/passwd and /etc/group of a root filesystem that may be hostile and, while its container
 * runs, may change under our hands.
 *
 * The merged view is computed over the layers by descriptors: every component is opened without following
 * links, a link is resolved by us beneath the root, and only regular files of bounded size are read.
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { join } from "node:path";
import { errnoCode, StorageError } from "../base/index.ts";
import type { RootfsSource } from "../state/index.ts";
import type { UserFiles } from "./user.ts";

/** A larger file of users is an attack. */
const MAX_SIZE = 1 << 20;
const MAX_LINKS = 40;
/** Not in node:fs; the same on every architecture of Linux. */
const O_PATH = 0o10000000;

/** Both texts, empty where the file is missing or is nothing that can be read as one. */
export function readUserFiles(rootfs: RootfsSource): UserFiles {
  const layers = layerPaths(rootfs);
  return { passwd: readMerged(layers, "/etc/passwd") ?? "", group: readMerged(layers, "/etc/group") ?? "" };
}

/** Whether a path of the root filesystem leads to a regular file; read from the outside, so a hostile image may say no. */
export function isFileInside(rootfs: RootfsSource, path: string): boolean {
  try {
    return readMerged(layerPaths(rootfs), path) !== undefined;
  } catch {
    return false;
  }
}

/** Directories of the root filesystem, topmost first. */
function layerPaths(rootfs: RootfsSource): string[] {
  if (rootfs.kind === "directory") return [rootfs.path];
  const content = rootfs.kind === "overlay" ? (rootfs.data ?? rootfs.lower) : rootfs.lower;
  return [rootfs.upper, ...content.map((name) => join(rootfs.layersDir, name))];
}

/**
 * Text of a file of the merged layers, or undefined if there is none.
 *
 * @throws {StorageError} for a file larger than any real one
 */
export function readMerged(layers: readonly string[], path: string): string | undefined {
  const walk: Walk = { pending: split(path), done: [], links: 0 };
  while (walk.pending.length > 0) {
    const name = walk.pending.shift()!;
    if (name === "..") {
      walk.done.pop();
      continue;
    }
    const found = lookup(layers, [...walk.done, name]);
    if (found?.kind === "file") return walk.pending.length > 0 ? undefined : found.text;
    if (found === undefined || !step(walk, name, found)) return undefined;
  }
  return undefined;
}

interface Walk {
  /** Components still to come, and the real directories passed. */
  readonly pending: string[];
  readonly done: string[];
  links: number;
}

/** Goes into a directory, or on with a link's target, which an absolute one begins at the root; false: too many links. */
function step(walk: Walk, name: string, found: Exclude<Found, { kind: "file" }>): boolean {
  if (found.kind === "directory") {
    walk.done.push(name);
    return true;
  }
  if (found.target.startsWith("/")) walk.done.length = 0;
  walk.pending.unshift(...split(found.target));
  return ++walk.links <= MAX_LINKS;
}

function split(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

type Found =
  | { readonly kind: "directory" }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "file"; readonly text: string };

/** The topmost layer that has the path decides; one with something else than a directory on the way hides those below. */
function lookup(layers: readonly string[], names: readonly string[]): Found | undefined {
  for (const layer of layers) {
    const result = lookupIn(layer, names);
    if (result === "hidden") return undefined;
    if (result !== undefined) return result;
  }
  return undefined;
}

function lookupIn(layer: string, names: readonly string[]): Found | "hidden" | undefined {
  let parent = openPath(layer);
  if (parent === undefined) return undefined;
  try {
    for (const [index, name] of names.entries()) {
      const path = `/proc/self/fd/${parent}/${name}`;
      const next = openPath(path);
      if (next === undefined) return undefined;
      if (index === names.length - 1) return describe(next, path);
      if (!fstatSync(next).isDirectory()) {
        closeSync(next);
        return "hidden";
      }
      closeSync(parent);
      parent = next;
    }
    return undefined;
  } finally {
    closeSync(parent);
  }
}

/** A descriptor of the path itself, whatever it is; undefined if it is not there or not for us. */
function openPath(path: string): number | undefined {
  try {
    return openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    const code = errnoCode(error);
    if (code !== undefined && ["ENOENT", "ENOTDIR", "EACCES", "ENAMETOOLONG", "ELOOP"].includes(code))
      return undefined;
    throw error;
  }
}

/** What a descriptor is; takes it over. `path` is the same thing by name, for reading a link. */
function describe(fd: number, path: string): Found | "hidden" {
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) return { kind: "directory" };
    if (stat.isSymbolicLink()) return { kind: "link", target: readLink(path) };
    // Else a whiteout (character device 0:0), or a FIFO or device that would hang us.
    return stat.isFile() ? { kind: "file", text: readBounded(fd) } : "hidden";
  } finally {
    closeSync(fd);
  }
}

/** A link that is one no more when we read it leads nowhere. */
function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function readBounded(fd: number): string {
  const file = reopen(fd);
  if (file === undefined) return "";
  try {
    const buffer = Buffer.alloc(Math.min(fstatSync(file).size, MAX_SIZE) + 1);
    let size = 0;
    for (let got = -1; got !== 0 && size < buffer.length; size += got) {
      got = readSync(file, buffer, size, buffer.length - size, null);
    }
    if (size <= MAX_SIZE) return buffer.toString("utf8", 0, size);
    throw new StorageError(
      "user-file-too-large",
      "cannot read the image's users: /etc/passwd or /etc/group is larger than 1 MiB",
      {
        hint: "give users and groups as numbers, or mend the image",
      },
    );
  } finally {
    closeSync(file);
  }
}

/** The very file the descriptor was checked to be, now for reading; undefined if its mode forbids it. */
function reopen(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errnoCode(error) === "EACCES") return undefined;
    throw error;
  }
}
