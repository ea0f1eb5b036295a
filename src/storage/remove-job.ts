/** The job `remove-trees`: deletes trees whose files belong to subordinate ids. */
import { chmodSync, lstatSync, readdirSync, renameSync, rmdirSync, unlinkSync } from "node:fs";
import { errnoCode, StorageError } from "../base/index.ts";
import { errnoText, loadLibc } from "../host/index.ts";

/** Missing paths are no error. Links are removed, never followed. */
export async function removeTrees(input: { readonly paths: readonly string[] }): Promise<null> {
  for (const path of input.paths) removeTree(path);
  return null;
}

/** @throws {StorageError} naming the first thing that could not be removed */
export function removeTree(root: string): void {
  const found = lstatSync(root, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (found.isDirectory()) removeDirectory(Buffer.from(root), Buffer.from(root), { count: 0 });
  else attempt(root, () => unlinkSync(root));
}

/** Well below PATH_MAX, which a container can make deeper trees than. */
const DEEP = 2500;
const SLASH = Buffer.from("/");

/** Names are bytes: not every name in a layer is text. A directory too deep to be named is moved up to `top` first. */
function removeDirectory(dir: Buffer, top: Buffer, moved: { count: number }): void {
  attempt(dir, () => chmodSync(dir, 0o700));
  const device = lstatSync(dir).dev;
  // Bun gives no names for `withFileTypes` with buffers.
  for (const name of readdirSync(dir, { encoding: "buffer" })) {
    const path = Buffer.concat([dir, SLASH, name]);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found !== undefined && found.dev !== device) unmount(path);
    if (!found?.isDirectory()) attempt(path, () => unlinkSync(path));
    else if (path.length <= DEEP) removeDirectory(path, top, moved);
    else {
      const place = Buffer.concat([top, Buffer.from(`/.kelp-deep-${moved.count++}`)]);
      attempt(path, () => renameSync(path, place));
      removeDirectory(place, top, moved);
    }
  }
  attempt(dir, () => rmdirSync(dir));
}

/** What `kelp mount` has left is taken away, never emptied: it may be somebody else's files. */
function unmount(path: Buffer): void {
  try {
    loadLibc().unmount(path, true);
  } catch (error) {
    // A subvolume of btrfs has a device number of its own, too.
    if (errnoCode(error) !== "EINVAL") throw error;
  }
}

function attempt(path: string | Buffer, action: () => void): void {
  try {
    action();
  } catch (error) {
    const code = errnoCode(error);
    if (code === "ENOENT") return;
    throw new StorageError(
      "remove-failed",
      `cannot remove ${path.toString()}: ${errnoText(code) ?? code ?? error}`,
      { cause: error },
    );
  }
}
