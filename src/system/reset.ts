/** `system reset`: back to a store that holds nothing. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { ConflictError, errnoCode, KelpError, log } from "../base/index.ts";
import {
  isInUse,
  isLive,
  removeContainer,
  removeTrees,
  socketPath,
  statusOf,
  stopContainer,
  sweepEnded,
} from "../container/index.ts";
import { type Paths, tempDir, temporaryName, temporaryPath } from "../host/index.ts";
import { signalAndWait } from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { tryLockAlone } from "../storage/index.ts";

const SIGKILL = 9;
/** For a container to end in. */
const END_MS = 10_000;

/**
 * Ends and removes all containers, then deletes images, volumes, networks and the database, whatever state they are in.
 * Settings and login secrets stay: they are the user's own files.
 *
 * The store is moved out of the way while nobody can write to it. Commands that had it open find that out by themselves,
 * later ones begin a new one.
 *
 * @throws {ConflictError} if a container cannot be ended, or others are at work on images; nothing is deleted then
 */
export async function resetStore(ctx: Context): Promise<void> {
  const { paths } = ctx;
  if (!existsSync(paths.data)) return;
  const lock = await tryLockAlone(paths);
  if (lock === undefined) {
    throw new ConflictError(
      "store-in-use",
      "cannot reset the store: another command is at work on its images",
      { hint: "wait for it, or end it" },
    );
  }
  const aside = temporaryPath(paths, "reset");
  const trees = isReadable(ctx) ? await emptied(ctx, aside) : await emptiedUnread(ctx, aside);
  ctx.state.close();
  lock.release();
  await removeTrees(ctx, trees);
  dropEmpty(tempDir(paths));
}

function isReadable(ctx: Context): boolean {
  try {
    ctx.state.containers.list();
    return true;
  } catch (error) {
    if (error instanceof KelpError && error.code === "store-corrupt") return false;
    throw error;
  }
}

/** @returns what is to be removed now */
async function emptied(ctx: Context, aside: string): Promise<string[]> {
  for (;;) {
    await endContainers(ctx);
    const trees = ctx.state.transaction(() =>
      ctx.state.containers.list().some(({ id }) => isInUse(ctx, id)) ? undefined : moveStore(ctx, aside),
    );
    if (trees !== undefined) return trees;
  }
}

/** The same where the database is damaged: what runs is known by its monitors alone. */
async function emptiedUnread(ctx: Context, aside: string): Promise<string[]> {
  const parent = join(ctx.paths.runtime, "c");
  for (const id of existsSync(parent) ? readdirSync(parent) : [])
    await signalAndWait(socketPath(ctx, id), SIGKILL, END_MS);
  return moveStore(ctx, aside);
}

function moveStore({ paths }: Context, aside: string): string[] {
  mkdirSync(aside, { recursive: true, mode: 0o700 });
  const stay = ownedByNobody(paths).filter((path) => !moveInto(aside, path));
  for (const name of ["c", "gone", "names", "plans"])
    rmSync(join(paths.runtime, name), { recursive: true, force: true });
  return [aside, ...stay];
}

/** False for what cannot be moved: a mount point of the user's, whose content goes from where it is. */
function moveInto(directory: string, path: string): boolean {
  try {
    renameSync(path, join(directory, basename(path)));
    return true;
  } catch (error) {
    if (errnoCode(error) !== "EBUSY") throw error;
    return false;
  }
}

/** Everything but what living processes have in their hands. */
function ownedByNobody(paths: Paths): string[] {
  const temporary = tempDir(paths);
  const half = readdirSync(temporary).filter((name) => temporaryName(name)?.isAbandoned !== false);
  const whole = readdirSync(paths.data).filter((name) => name !== basename(temporary));
  return [...half.map((name) => join(temporary, name)), ...whole.map((name) => join(paths.data, name))];
}

function dropEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Somebody has begun another store.
  }
}

/** Until none is left, or the same ones are as before. */
async function endContainers(ctx: Context): Promise<void> {
  const { containers } = ctx.state;
  await sweepEnded(ctx);
  for (let before = ""; ; ) {
    const left = containers.list();
    const ids = left.map(({ id }) => id).join();
    if (ids === before) break;
    before = ids;
    for (const record of left) await endContainer(ctx, record);
  }
  const running = containers.list().find((record) => isLive(statusOf(ctx, record)));
  if (running === undefined) return;
  throw new ConflictError(
    "container-running",
    `cannot reset the store: container ${running.name} does not end`,
  );
}

/** What is damaged is no reason to keep it: only a process that will not end is. */
async function endContainer(ctx: Context, record: ContainerRecord): Promise<void> {
  try {
    await removeContainer(ctx, record, { force: true, volumes: true, depend: true, timeout: 0 });
  } catch (error) {
    if (!(error instanceof KelpError)) throw error;
    log.debug("cannot remove a container", { id: record.id, error: error.message });
    if (isLive(statusOf(ctx, record))) await stopContainer(ctx, record, { seconds: 0 });
  }
}
