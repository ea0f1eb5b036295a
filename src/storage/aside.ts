/**
 * Trees on their way out. They are renamed into data/tmp in the transaction that forgets their record, and removed after it.
 * Who is killed in between leaves a tree to be removed; who is killed before the transaction is over leaves a record without
 * its tree, which comes back then.
 */
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { errnoCode } from "../base/index.ts";
import { containerDir, tempDir, temporaryName, temporaryPath } from "../host/index.ts";
import type { Context } from "../state/index.ts";
import { listDirectory } from "./list-directory.ts";

/**
 * A rename, so that a tree is there as a whole or not at all; undone with the transaction it is made in.
 *
 * @param owner `container-ID` or `volume-NAME`
 * @returns the path to remove afterwards; undefined if there is nothing
 */
export function moveAside(ctx: Context, tree: string, owner: string): string | undefined {
  const trash = temporaryPath(ctx.paths, owner);
  try {
    mkdirSync(tempDir(ctx.paths), { recursive: true, mode: 0o700 });
    renameSync(tree, trash);
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return undefined;
    // A volume on another file system (--volumepath) goes from where it is.
    if (errnoCode(error) === "EXDEV") return tree;
    throw error;
  }
  ctx.state.ifUndone(() => renameSync(trash, tree));
  return trash;
}

/** Puts abandoned trees back whose records were not forgotten. @param id only this container's, if given */
export function bringBack(ctx: Context, id?: string): void {
  const found = listDirectory(tempDir(ctx.paths)).flatMap((name) => {
    const { what = "", isAbandoned = false } = temporaryName(name) ?? {};
    const wanted = id === undefined ? /^(container|volume)-/.test(what) : what === `container-${id}`;
    return wanted && isAbandoned ? [{ name, what }] : [];
  });
  if (found.length === 0) return;
  ctx.state.transaction(
    () => {
      for (const { name, what } of found) {
        const place = placeOf(ctx, what);
        if (place !== undefined && !existsSync(place)) renameSync(join(tempDir(ctx.paths), name), place);
      }
    },
    { durable: false },
  );
}

/** Where such a tree belongs, if its record is still there. */
function placeOf(ctx: Context, owner: string): string | undefined {
  const name = owner.slice(owner.indexOf("-") + 1);
  if (owner.startsWith("container-"))
    return ctx.state.containers.get(name) === undefined ? undefined : containerDir(ctx.paths, name);
  const volume = ctx.state.volumes.get(name);
  return volume === undefined ? undefined : dirname(volume.mountpoint);
}
