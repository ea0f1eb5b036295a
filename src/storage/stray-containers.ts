/** Directories of containers that no record knows: left where a removal was killed between the two. */
import { existsSync, lstatSync } from "node:fs";
import { join } from "node:path";
import { containerDir, containerRunDir, goneDir } from "../host/index.ts";
import type { Context } from "../state/index.ts";
import { moveAside } from "./aside.ts";
import { listDirectory } from "./list-directory.ts";

/** A start makes the directory of a container whose row is there already; younger ones are still left alone. */
const YOUNG_MS = 10_000;

/** Directories in containers/ of which nothing is known, alive or dead. */
export function strayContainers(ctx: Context): string[] {
  return listDirectory(join(ctx.paths.data, "containers")).filter((id) => {
    if (!/^[0-9a-f]{64}$/.test(id) || ctx.state.containers.has(id)) return false;
    if (existsSync(join(goneDir(ctx.paths), id)) || existsSync(containerRunDir(ctx.paths, id))) return false;
    const found = lstatSync(containerDir(ctx.paths, id), { throwIfNoEntry: false });
    return found !== undefined && Date.now() - found.ctimeMs > YOUNG_MS;
  });
}

/** Moves them out of the way: what is in them is removed as other half-made things are. */
export function dropStrayContainers(ctx: Context): string[] {
  return strayContainers(ctx).flatMap((id) => {
    const aside = moveAside(ctx, containerDir(ctx.paths, id), `container-${id}`);
    return aside === undefined ? [] : [aside];
  });
}
