/** Removing directory trees that containers wrote to. */
import { chmodSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { errnoCode } from "../base/index.ts";
import type { Context } from "../state/index.ts";

/** Most files belong to the user themself; the others are removed by the user namespace's root. */
export async function removeTrees(ctx: Context, trees: readonly string[]): Promise<void> {
  const left = trees.filter((tree) => !removeOwnTree(tree));
  if (left.length === 0) return;
  const { runInside } = await import("../runtime/index.ts");
  await runInside(ctx, "remove-trees", { paths: left });
}

/** False if something in there is not ours to remove. Links are removed, never followed. */
function removeOwnTree(path: string): boolean {
  try {
    removeDirectory(path);
    return true;
  } catch (error) {
    const code = errnoCode(error);
    if (code === "ENOENT") return true;
    if (code === "EACCES" || code === "EPERM" || code === "ENOTEMPTY") return false;
    throw error;
  }
}

function removeDirectory(path: string): void {
  for (const entry of listDirectory(path)) {
    const child = join(path, entry.name);
    const remove = () => (entry.isDirectory() ? removeDirectory(child) : unlinkSync(child));
    try {
      remove();
    } catch (error) {
      if (errnoCode(error) !== "EACCES") throw error;
      // Our own, but without permission to write: a root of mode 555.
      chmodSync(path, 0o700);
      remove();
    }
  }
  rmdirSync(path);
}

/** overlay leaves a work directory without any permission behind. */
function listDirectory(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (errnoCode(error) !== "EACCES") throw error;
    chmodSync(path, 0o700);
    return readdirSync(path, { withFileTypes: true });
  }
}
