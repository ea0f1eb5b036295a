/** `system reset`: back to a store that holds nothing. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ConflictError, KelpError, log } from "../base/index.ts";
import { isLive, removeContainer, removeTrees, statusOf, stopContainer } from "../container/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";

/**
 * Ends and removes all containers, then deletes images, volumes, networks and the database, whatever state they are in.
 * Settings and login secrets stay: they are the user's own files.
 *
 * @throws {ConflictError} if a container cannot be ended; nothing is deleted then
 */
export async function resetStore(ctx: Context): Promise<void> {
  const { paths } = ctx;
  if (!existsSync(paths.data)) return;
  await endContainers(ctx);
  ctx.state.close();
  const entries = readdirSync(paths.data, { withFileTypes: true });
  const directories = entries.filter((entry) => entry.isDirectory());
  await removeTrees(
    ctx,
    directories.map(({ name }) => join(paths.data, name)),
  );
  for (const { name } of entries) rmSync(join(paths.data, name), { force: true, recursive: true });
  for (const name of ["c", "gone", "names", "plans"])
    rmSync(join(paths.runtime, name), { recursive: true, force: true });
}

async function endContainers(ctx: Context): Promise<void> {
  for (let left = ctx.state.containers.list(), before = -1; left.length > 0 && left.length !== before; ) {
    before = left.length;
    for (const record of left) await endContainer(ctx, record);
    left = ctx.state.containers.list();
  }
  const running = ctx.state.containers.list().find((record) => isLive(statusOf(ctx, record)));
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
