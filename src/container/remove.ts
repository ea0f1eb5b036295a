/** The end of a container's record and files. */
import { readFileSync, rmSync, unlinkSync } from "node:fs";
import { ConflictError, KelpError } from "../base/index.ts";
import { containerDir, containerRunDir, isAlive, processStart } from "../host/index.ts";
import { forgetHolder } from "../runtime/index.ts";
import { type ContainerRecord, type Context, writeContainerEvent } from "../state/index.ts";
import { moveAside } from "../storage/index.ts";
import { removeCgroup } from "./cgroup.ts";
import { cgroupOf } from "./cgroup-note.ts";
import { beingStarted, othersUse, strandedMonitor } from "./claim.ts";
import { refreshNeighbours } from "./neighbours.ts";
import { membersOf } from "./network.ts";
import { statusOf } from "./status.ts";
import { stopContainer } from "./stop.ts";
import { forgetAnonymousVolumes, sweepMarked } from "./sweep.ts";
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
  /** It was running until `stopTogether`. */
  readonly stopped?: boolean;
}

/**
 * Stops those that run, all at once: of several that ignore their signal the last does not wait for the first. What goes
 * wrong is for their removal to say.
 *
 * @returns the IDs of those that ran
 */
export async function stopTogether(
  ctx: Context,
  records: readonly ContainerRecord[],
  seconds: number | undefined,
): Promise<ReadonlySet<string>> {
  const running = records.filter((record) => isLive(statusOf(ctx, record)));
  await Promise.allSettled(running.map((record) => stopContainer(ctx, record, { seconds })));
  return new Set(running.map(({ id }) => id));
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
  const dependents = dependentsOf(ctx, record);
  if (dependents.length > 0 && options.depend !== true) throw hasDependents(record, dependents);
  for (const other of dependents)
    removed.push(...(await removeContainer(ctx, other, { ...options, force: true })));
  const force = options.force === true || options.depend === true;
  await endStranded(ctx, record, force);
  let ran = options.stopped === true;
  // Of the end of one that ran its neighbours know already.
  const networks = membersOf(ctx, record).map(({ network }) => network);
  for (let isLeft = true; isLeft; ) {
    const status = statusOf(ctx, record);
    if (isLive(status)) {
      if (isRunning(status) && !force) throw stillRunning(record);
      await stopContainer(ctx, record, { seconds: options.timeout });
      ran = true;
    }
    isLeft = !(await removeIdle(ctx, record, force, options.volumes === true || record.config.autoRemove));
  }
  if (!ran) refreshNeighbours(ctx, networks);
  // The monitor of a --rm container has told of it.
  if (!(ran && record.config.autoRemove)) writeContainerEvent(ctx, "remove", record);
  return [...removed, record.id];
}

/** What the runtime directory knows nothing of can only be killed; the kernel ends its container with it. */
async function endStranded(ctx: Context, record: ContainerRecord, force: boolean): Promise<void> {
  if (isLive(statusOf(ctx, record))) return;
  const pid = strandedMonitor(ctx, record.id);
  const start = pid === undefined ? undefined : processStart(pid);
  if (pid === undefined || start === undefined) return;
  if (!force) throw stillRunning(record);
  process.kill(pid, "SIGKILL");
  while (isAlive(pid, start)) await new Promise((resolve) => setTimeout(resolve, 10));
  forgetHolder(ctx.paths, { pid, start });
}

function dependentsOf(ctx: Context, { id }: ContainerRecord): ContainerRecord[] {
  return ctx.state.containers.list().filter((other) => other.config.dependencies.includes(id));
}

function hasDependents({ id }: ContainerRecord, dependents: readonly ContainerRecord[]): ConflictError {
  const ids = dependents.map((other) => other.id).join(", ");
  return new ConflictError(
    "has-dependents",
    `container ${id} has dependent containers which must be removed before it: ${ids}: container already exists`,
    { hint: "Use --depend to remove them too." },
  );
}

function stillRunning({ id, name }: ContainerRecord): ConflictError {
  return new ConflictError(
    "container-running",
    `cannot remove container ${id} as it is running - running or paused containers cannot be removed without force: container state improper`,
    { exitCode: 2, hint: `kelp stop ${name} first, or kelp rm --force ${name}` },
  );
}

/** How long a start that is under way is waited for, with `force`. */
const START_MS = 20_000;

/** False if somebody has started it meanwhile: it has to be stopped once more. */
async function removeIdle(
  ctx: Context,
  record: ContainerRecord,
  force: boolean,
  volumes: boolean,
): Promise<boolean> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const others = othersUse(ctx, record);
    if (others === "live") return false;
    if (others === undefined) break;
    if (!force || Date.now() > deadline) throw beingStarted(record);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const cgroup = cgroupOf(ctx, record.id);
  const trees = await forgetContainer(ctx, record, volumes);
  if (trees === undefined) return false;
  removeCgroup(cgroup);
  rmSync(containerRunDir(ctx.paths, record.id), { recursive: true, force: true });
  removeCidFile(record);
  await removeTrees(ctx, trees);
  await sweepMarked(ctx);
  return true;
}

/**
 * A full disk has no room to note that anything went: then the container's own files make it.
 *
 * @returns what is to be removed now: its files and those of its anonymous volumes; undefined if it was started meanwhile
 */
async function forgetContainer(
  ctx: Context,
  record: ContainerRecord,
  volumes: boolean,
): Promise<string[] | undefined> {
  const forget = () =>
    ctx.state.transaction(
      () => {
        // Starts claim the container in a transaction, and whoever depends on it is recorded in one.
        if (othersUse(ctx, record) !== undefined) return undefined;
        const dependents = dependentsOf(ctx, record);
        if (dependents.length > 0) throw hasDependents(record, dependents);
        const files = moveAside(ctx, containerDir(ctx.paths, record.id), `container-${record.id}`);
        const trees = volumes ? forgetAnonymousVolumes(ctx, record) : [];
        ctx.state.containers.remove(record.id);
        return files === undefined ? trees : [files, ...trees];
      },
      { durable: !record.config.autoRemove },
    );
  try {
    return forget();
  } catch (error) {
    if (!(error instanceof KelpError) || error.code !== "disk-full") throw error;
    await removeTrees(ctx, [containerDir(ctx.paths, record.id)]);
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
