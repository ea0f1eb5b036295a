/** Jobs that make and own single files and directories: WORKDIR in the mounted root of the image, caches, secrets. */
import { chmodSync, lchownSync, mkdirSync, readFileSync } from "node:fs";
import { errnoCode } from "../../base/index.ts";
import { loadLibc } from "../../host/index.ts";
import { resolveProcessOwner } from "./owner.ts";
import { TargetTree } from "./target-tree.ts";

export interface MakeDirectoryRequest {
  /** The image's mounted root. */
  readonly target: string;
  /** Absolute. */
  readonly path: string;
  /** USER of the image; empty: root. */
  readonly user: string;
}

/** The job `build-directory`. @returns whether it had to be made */
export async function makeDirectory(request: MakeDirectoryRequest): Promise<{ made: boolean }> {
  const libc = loadLibc();
  libc.umask(0);
  const single = isSingleMap();
  process.chdir("/");
  libc.chroot(request.target);
  const tree = new TargetTree(single);
  const path = Buffer.from(request.path).toString("latin1").slice(1);
  if (tree.looks(path)?.isDirectory() === true) return { made: false };
  tree.makeDirectories(path, resolveProcessOwner(request.user === "" ? "0:0" : request.user));
  return { made: true };
}

/** One id only: owners cannot be kept. */
export function isSingleMap(): boolean {
  const lines = readFileSync("/proc/self/uid_map", "utf8").trim().split("\n");
  return lines.length === 1 && lines[0]?.trim().split(/\s+/)[2] === "1";
}

/** Looks of something at a path of the host; the parent is kelp's own directory. */
export interface OwnRequest {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** The job `build-own`. */
export async function ownFile({ path, mode, uid, gid }: OwnRequest): Promise<null> {
  if (!isSingleMap()) lchownSync(path, uid, gid);
  chmodSync(path, mode);
  return null;
}

export type CacheDirectoryRequest = OwnRequest;

/** The job `build-cache-directory`. Two builds may make it at once. */
export async function makeCacheDirectory(request: CacheDirectoryRequest): Promise<null> {
  try {
    mkdirSync(request.path, 0o700);
  } catch (error) {
    if (errnoCode(error) === "EEXIST") return null;
    throw error;
  }
  return ownFile(request);
}
