/** The end of a container's record and files. */
import { readFileSync, rmSync, unlinkSync } from "node:fs";
import { ConflictError, KelpError } from "../base/index.ts";
import { containerDir, containerRunDir } from "../host/index.ts";
import { type ContainerRecord, type Context, writeContainerEvent } from "../state/index.ts";
import { removeCgroup } from "./cgroup.ts";
import { refreshNeighbours } from "./neighbours.ts";
import { membersOf } from "./network.ts";
import { statusOf } from "./status.ts";
import { stopContainer } from "./stop.ts";
import { forgetAnonymousVolumes, moveAside, sweepMarked } from "./sweep.ts";
import { removeTrees } from "./trees.ts";
import { isLive, isRunning } from "./view.ts";

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
  const status = statusOf(ctx, record);
  const ran = isLive(status);
  if (ran) {
    if (isRunning(status) && options.force !== true && options.depend !== true) throw stillRunning(record);
    await stopContainer(ctx, record, { seconds: options.timeout });
  }
  // Of the end of one that ran its neighbours know already.
  const networks = ran ? [] : membersOf(ctx, record).map(({ network }) => network);
  await removeFiles(ctx, record, options.volumes === true || record.config.autoRemove);
  refreshNeighbours(ctx, networks);
  // The monitor of a --rm container has told of it.
  if (!(ran && record.config.autoRemove)) writeContainerEvent(ctx, "remove", record);
  return [...removed, record.id];
}

function stillRunning({ id, name }: ContainerRecord): ConflictError {
  return new ConflictError(
    "container-running",
    `cannot remove container ${id} as it is running - running or paused containers cannot be removed without force: container state improper`,
    { exitCode: 2, hint: `kelp stop ${name} first, or kelp rm --force ${name}` },
  );
}

async function removeFiles(ctx: Context, record: ContainerRecord, volumes: boolean): Promise<void> {
  removeCgroup(ctx, record.id);
  const trash = moveAside(ctx, containerDir(ctx.paths, record.id), `container-${record.id}`);
  const trees = await forgetContainer(ctx, record, trash, volumes);
  rmSync(containerRunDir(ctx.paths, record.id), { recursive: true, force: true });
  removeCidFile(record);
  await removeTrees(ctx, trash === undefined ? trees : [trash, ...trees]);
  await sweepMarked(ctx);
}

/**
 * A full disk has no room to note that anything went: then the container's own files make it.
 *
 * @returns directories of its anonymous volumes, to be removed
 */
async function forgetContainer(
  ctx: Context,
  record: ContainerRecord,
  trash: string | undefined,
  volumes: boolean,
): Promise<string[]> {
  const forget = () =>
    ctx.state.transaction(
      () => {
        const trees = volumes ? forgetAnonymousVolumes(ctx, record) : [];
        ctx.state.containers.remove(record.id);
        return trees;
      },
      { durable: !record.config.autoRemove },
    );
  try {
    return forget();
  } catch (error) {
    if (trash === undefined || !(error instanceof KelpError) || error.code !== "disk-full") throw error;
    await removeTrees(ctx, [trash]);
    return forget();
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
