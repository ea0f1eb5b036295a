/**
 * The job `adopt-parents`. An archive may hold `a/b/file` and no entry for `a` and `a/b`. The
 * directories made for them must look as in the layers below, or unpacking would change owners and modes.
 */
import { chmodSync, chownSync, lstatSync, type Stats, utimesSync } from "node:fs";
import { join } from "node:path";
import { type Libc, loadLibc } from "../host/index.ts";
import { fsPath } from "./entry-path.ts";
import { isAllowedXattr } from "./xattrs.ts";

export interface AdoptInput {
  readonly layers: readonly {
    readonly dir: string;
    /** Byte strings, parents before children. */
    readonly implied: readonly string[];
    /** Directories of the layers below, topmost first. */
    readonly lower: readonly string[];
  }[];
}

export async function adoptParents(input: AdoptInput): Promise<null> {
  const libc = loadLibc();
  for (const layer of input.layers) {
    // Children first: setting a parent's times must be the last thing that touches it.
    for (const name of [...layer.implied].reverse()) {
      const target = fsPath(layer.dir, name);
      if (!isRealDirectory(layer.dir, name)) continue;
      const lower = layer.lower.find((dir) => exists(dir, name));
      if (lower === undefined || !isRealDirectory(lower, name)) continue;
      const source = fsPath(lower, name);
      copyLooks(lstatSync(source), target);
      copyXattrs(libc, source, target);
    }
  }
  return null;
}

function copyLooks(looks: Stats, target: string | Buffer): void {
  chownSync(target, looks.uid, looks.gid);
  chmodSync(target, looks.mode & 0o7777);
  utimesSync(target, looks.atimeMs / 1000, looks.mtimeMs / 1000);
}

function copyXattrs(libc: Libc, source: string | Buffer, target: string | Buffer): void {
  for (const name of libc.llistxattr(source)) {
    const value = isAllowedXattr(name) ? libc.lgetxattr(source, name) : undefined;
    if (value !== undefined) libc.lsetxattr(target, name, value);
  }
}

function exists(dir: string, name: string): boolean {
  return lstatSync(fsPath(dir, name), { throwIfNoEntry: false }) !== undefined;
}

/** No component may be a link: the path is used outside a chroot. */
function isRealDirectory(dir: string, name: string): boolean {
  let path = "";
  for (const part of name.split("/")) {
    path = join(path, part);
    if (!lstatSync(fsPath(dir, path), { throwIfNoEntry: false })?.isDirectory()) return false;
  }
  return true;
}
