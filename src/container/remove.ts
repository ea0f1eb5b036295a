/** The end of a container's record and files. */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { ConflictError, errnoCode, KelpError } from "../base/index.ts";
import { containerDir, containerRunDir, tempDir } from "../host/index.ts";
import { runInside } from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { statusOf } from "./status.ts";
import { stopContainer } from "./stop.ts";
import { isRunning } from "./view.ts";

export interface RemoveOptions {
  readonly force?: boolean;
  /** Seconds before SIGKILL, with `force`. */
  readonly timeout?: number | undefined;
  /** Anonymous volumes go as well. */
  readonly volumes?: boolean;
  /** Containers that depend on this one go first. */
  readonly depend?: boolean;
}

/**
 * Removes one container. Its files are moved aside first, so that whatever happens then, a container is there as
 * a whole or not at all.
 *
 * @returns the IDs of all that were removed, dependents first
 * @throws {ConflictError} if it runs (exit status 2) or others depend on it
 */
export async function removeContainer(
  ctx: Context,
  record: ContainerRecord,
  options: RemoveOptions = {},
): Promise<string[]> {
  const removed: string[] = [];
  const dependents = ctx.state.containers
    .list()
    .filter((other) => other.config.dependencies.includes(record.id));
  if (dependents.length > 0 && options.depend !== true) {
    const ids = dependents.map((other) => other.id).join(", ");
    throw new ConflictError(
      "has-dependents",
      `container ${record.id} has dependent containers which must be removed before it: ${ids}: container already exists`,
      { hint: "Use --depend to remove them too." },
    );
  }
  for (const other of dependents)
    removed.push(...(await removeContainer(ctx, other, { ...options, force: true })));
  if (isRunning(statusOf(ctx, record))) {
    if (options.force !== true && options.depend !== true) throw stillRunning(record);
    await stopContainer(ctx, record, options.timeout);
  }
  await removeFiles(ctx, record, options.volumes === true || record.config.autoRemove);
  return [...removed, record.id];
}

function stillRunning({ id }: ContainerRecord): ConflictError {
  return new ConflictError(
    "container-running",
    `cannot remove container ${id} as it is running - running or paused containers cannot be removed without force: container state improper`,
    { exitCode: 2 },
  );
}

async function removeFiles(ctx: Context, record: ContainerRecord, volumes: boolean): Promise<void> {
  const trash = moveAside(ctx, record.id);
  await forgetContainer(ctx, record, trash);
  ctx.state.containers.sweepGone();
  rmSync(containerRunDir(ctx.paths, record.id), { recursive: true, force: true });
  removeCidFile(record);
  const trees = trash === undefined ? [] : [trash];
  if (volumes) trees.push(...forgetAnonymousVolumes(ctx, record));
  await removeTrees(ctx, trees);
}

/** A full disk has no room to note that anything went: then the container's own files make it. */
async function forgetContainer(
  ctx: Context,
  { id, config }: ContainerRecord,
  trash: string | undefined,
): Promise<void> {
  const forget = () => ctx.state.containers.remove(id, { durable: !config.autoRemove });
  try {
    forget();
  } catch (error) {
    if (trash === undefined || !(error instanceof KelpError) || error.code !== "disk-full") throw error;
    await removeTrees(ctx, [trash]);
    forget();
  }
}

function moveAside(ctx: Context, id: string): string | undefined {
  const trash = join(tempDir(ctx.paths), `container-${id}`);
  try {
    mkdirSync(tempDir(ctx.paths), { recursive: true, mode: 0o700 });
    renameSync(containerDir(ctx.paths, id), trash);
    return trash;
  } catch (error) {
    // Never started, or removed by its own monitor.
    if (errnoCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Only a file that still names this container is ours to delete. */
function removeCidFile({ id, config }: ContainerRecord): void {
  if (config.cidFile === undefined) return;
  try {
    if (readFileSync(config.cidFile, "utf8").trim() === id) unlinkSync(config.cidFile);
  } catch {
    // The user has tidied up before us.
  }
}

function forgetAnonymousVolumes(ctx: Context, record: ContainerRecord): string[] {
  const trees: string[] = [];
  for (const mount of record.config.mounts) {
    const volume =
      mount.type === "volume" && mount.source !== undefined ? ctx.state.volumes.get(mount.source) : undefined;
    if (volume?.anonymous !== true || ctx.state.containers.usingVolume(volume.name).length > 0) continue;
    ctx.state.volumes.remove(volume.name);
    trees.push(join(volume.mountpoint, ".."));
  }
  return trees;
}

/** Most files belong to the user themself; the others are removed by the user namespace's root. */
export async function removeTrees(ctx: Context, trees: readonly string[]): Promise<void> {
  const left = trees.filter((tree) => !removeOwnTree(tree));
  if (left.length > 0) await runInside(ctx, "remove-trees", { paths: left });
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
    if (entry.isDirectory()) removeDirectory(child);
    else unlinkSync(child);
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
