/** The end of containers made with --rm: who is gone, and what they left behind. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { KelpError, log } from "../base/index.ts";
import {
  bootId,
  containerDir,
  containerRunDir,
  ensureDir,
  goneDir,
  isAlive,
  processStart,
  writeFileAtomic,
} from "../host/index.ts";
import { liveState } from "../runtime/index.ts";
import { type ContainerRecord, type Context, type VolumeRecord, writeEvent } from "../state/index.ts";
import { moveAside } from "../storage/index.ts";
import { cgroupOf } from "./cgroup-note.ts";
import { isClaimed } from "./claim.ts";
import { removeTrees } from "./trees.ts";

/** All containers there are, oldest first, with those in which builds run their steps. */
export function presentContainers(ctx: Context): ContainerRecord[] {
  return ctx.state.containers.list().filter((record) => !isGone(ctx, record));
}

/**
 * Those that somebody asked for. A step's container belongs to its build alone: `docker ps -aq | xargs docker rm -f` must
 * not break the build in the next window.
 */
export function ownContainers(ctx: Context): ContainerRecord[] {
  return presentContainers(ctx).filter((record) => !isStep(record));
}

/** Whether a build made it for a RUN. */
export function isStep({ config }: ContainerRecord): boolean {
  return config.layers !== undefined;
}

/**
 * True for a --rm container that has ended, or whose `run` was killed before it could start. Its monitor normally
 * says so by a marker; one whose monitor or creator was killed gets the marker here.
 */
export function isGone(ctx: Context, record: ContainerRecord): boolean {
  if (!record.config.autoRemove || !hasEnded(ctx, record)) return false;
  try {
    ensureDir(goneDir(ctx.paths));
    writeFileAtomic(join(goneDir(ctx.paths), record.id), "");
  } catch (error) {
    // A full or read-only disk: whoever can write does it.
    log.debug("cannot mark an ended container", { id: record.id, error: String(error) });
  }
  return true;
}

function hasEnded(ctx: Context, { id, config }: ContainerRecord): boolean {
  const live = liveState(ctx, id);
  switch (live.state) {
    case "gone":
      return true;
    case "exited":
      // A start that takes long (a queue for the lock, a large copy) looks as one that was lost; `restart` starts it again.
      return !isClaimed(ctx, id);
    case "created":
      return config.creator !== undefined && !isPresentProcess(config.creator) && !isClaimed(ctx, id);
    default:
      return false;
  }
}

/** This process, in the words of a record's `creator`. */
export function thisProcess(): string {
  return `${process.pid} ${processStart(process.pid) ?? 0} ${bootId()}`;
}

/** Whether the process a `creator` names is still there. */
export function isPresentProcess(words: string): boolean {
  const [pid = "", start = "", boot = ""] = words.split(" ");
  return /^\d+$/.test(pid) && /^\d+$/.test(start) && boot === bootId() && isAlive(Number(pid), BigInt(start));
}

/** Removes what ended --rm containers have left: rows, anonymous volumes, and files where a monitor was killed. */
export async function sweepEnded(ctx: Context): Promise<void> {
  for (const record of ctx.state.containers.list()) isGone(ctx, record);
  await sweepMarked(ctx);
}

/** The same for commands that only read: where nothing can be written, nothing is. */
export async function tidyEnded(ctx: Context): Promise<void> {
  try {
    await sweepEnded(ctx);
  } catch (error) {
    if (!(error instanceof KelpError)) throw error;
    log.debug("cannot tidy up after ended containers", { error: error.message });
  }
}

/** The same for those that are known to be gone; costs two directory reads if there is none. */
export async function sweepMarked(ctx: Context): Promise<void> {
  const gone = ctx.state.containers.gone();
  if (gone.length === 0) return;
  const trees: (string | undefined)[] = [];
  // A monitor removes its container's group, unless it was killed.
  const groups = gone.map(({ id }) => cgroupOf(ctx, id));
  ctx.state.transaction(
    () => {
      for (const { id, record } of gone) {
        trees.push(moveAside(ctx, containerDir(ctx.paths, id), `container-${id}`));
        if (record !== undefined) trees.push(...forgetAnonymousVolumes(ctx, record));
      }
      ctx.state.containers.dropGone(gone);
    },
    { durable: false },
  );
  for (const { id } of gone) rmSync(containerRunDir(ctx.paths, id), { recursive: true, force: true });
  if (groups.some((group) => group !== undefined)) {
    const { removeCgroup } = await import("./cgroup.ts");
    for (const group of groups) removeCgroup(group);
  }
  await removeTrees(
    ctx,
    trees.filter((tree) => tree !== undefined),
  );
}

/**
 * Drops the anonymous volumes of a container that no other one mounts; inside a transaction, so that nobody begins to
 * use one meanwhile.
 *
 * @returns their directories, already out of the way, to be removed afterwards
 */
export function forgetAnonymousVolumes(ctx: Context, record: ContainerRecord): string[] {
  const trees: string[] = [];
  for (const { type, source } of record.config.mounts) {
    const volume = type === "volume" && source !== undefined ? ctx.state.volumes.get(source) : undefined;
    if (volume?.anonymous !== true) continue;
    if (ctx.state.containers.usingVolume(volume.name).some((user) => user.id !== record.id)) continue;
    const tree = forgetVolume(ctx, volume);
    if (tree !== undefined) trees.push(tree);
  }
  return trees;
}

/** Drops a volume; inside a transaction. @returns its directory, already out of the way, to be removed afterwards */
export function forgetVolume(ctx: Context, { name, mountpoint }: VolumeRecord): string | undefined {
  const tree = moveAside(ctx, dirname(mountpoint), `volume-${name}`);
  ctx.state.volumes.remove(name);
  writeEvent(ctx, { type: "volume", status: "remove", name });
  return tree;
}

/** Runtime directories of containers that nobody knows: left where a removal was killed at its end. */
export function dropStrayRunDirs(ctx: Context): void {
  const parent = dirname(containerRunDir(ctx.paths, "x"));
  const gone = new Set(ctx.state.containers.gone().map(({ id }) => id));
  for (const id of existsSync(parent) ? readdirSync(parent) : [])
    if (!gone.has(id) && !ctx.state.containers.has(id) && liveState(ctx, id).state !== "running")
      rmSync(containerRunDir(ctx.paths, id), { recursive: true, force: true });
}
