/** The job `build-directory`: WORKDIR, in the mounted root of the image. */
import { readFileSync } from "node:fs";
import { loadLibc } from "../../host/index.ts";
import { TargetTree } from "./target-tree.ts";

export interface MakeDirectoryRequest {
  /** The image's mounted root. */
  readonly target: string;
  /** Absolute. */
  readonly path: string;
}

/** @returns whether it had to be made */
export async function makeDirectory(request: MakeDirectoryRequest): Promise<{ made: boolean }> {
  const libc = loadLibc();
  libc.umask(0);
  const single = isSingleMap();
  process.chdir("/");
  libc.chroot(request.target);
  const tree = new TargetTree(single);
  const path = Buffer.from(request.path).toString("latin1").slice(1);
  if (tree.looks(path)?.isDirectory() === true) return { made: false };
  tree.makeDirectories(path, { uid: 0, gid: 0 });
  return { made: true };
}

/** One id only: owners cannot be kept. */
export function isSingleMap(): boolean {
  const lines = readFileSync("/proc/self/uid_map", "utf8").trim().split("\n");
  return lines.length === 1 && lines[0]?.trim().split(/\s+/)[2] === "1";
}
