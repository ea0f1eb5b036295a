/** pause and unpause: the kernel's freezer, by the container's control group. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConflictError, errnoCode, HostError } from "../base/index.ts";
import { errnoText, readIfExists } from "../host/index.ts";
import { type ContainerRecord, type Context, writeContainerEvent } from "../state/index.ts";
import { cgroupOf } from "./cgroup-note.ts";
import { pausedPath, statusOf } from "./status.ts";

/** How long the kernel gets: a process in the middle of a system call freezes when that ends. */
const PATIENCE_MS = 10_000;
const STEP_MS = 2;

/**
 * Stops every process of a container where it stands.
 *
 * @throws {ConflictError} if it does not run, {HostError} `no-freezer` if it has no control group
 */
export async function pauseContainer(ctx: Context, record: ContainerRecord): Promise<void> {
  const { state } = statusOf(ctx, record);
  if (state !== "running") {
    throw new ConflictError(
      state === "paused" ? "already-paused" : "not-running",
      state === "paused"
        ? `"${record.id}" is already paused: container state improper`
        : `"${record.id}" is not running, can't pause: container state improper`,
    );
  }
  const group = requireGroup(ctx, record);
  // Noted first: whoever finds the note asks the group itself.
  writeFileSync(pausedPath(ctx, record.id), "", { mode: 0o600 });
  await freeze(group, true);
  writeContainerEvent(ctx, "pause", record);
}

/** Lets a paused container go on. @throws {ConflictError} if it is not paused */
export async function unpauseContainer(ctx: Context, record: ContainerRecord): Promise<void> {
  if (statusOf(ctx, record).state !== "paused") {
    throw new ConflictError(
      "not-paused",
      `"${record.id}" is not paused, can't unpause: container state improper`,
    );
  }
  await freeze(requireGroup(ctx, record), false);
  rmSync(pausedPath(ctx, record.id), { force: true });
  writeContainerEvent(ctx, "unpause", record);
}

function requireGroup(ctx: Context, { id }: ContainerRecord): string {
  const path = cgroupOf(ctx, id)?.path;
  if (path !== undefined && existsSync(join(path, "cgroup.freeze"))) return path;
  throw new HostError("no-freezer", `cannot pause container ${id}: it has no control group of its own`, {
    hint: "containers get one where cgroup v2 is delegated to you; start it again from such a session, without --cgroups=disabled",
  });
}

async function freeze(group: string, frozen: boolean): Promise<void> {
  try {
    writeFileSync(join(group, "cgroup.freeze"), frozen ? "1" : "0");
  } catch (cause) {
    throw new HostError(
      "freezer-failed",
      `cannot ${frozen ? "pause" : "unpause"}: ${group}: ${errnoText(errnoCode(cause)) ?? "write failed"}`,
      { cause },
    );
  }
  const wanted = `frozen ${frozen ? 1 : 0}`;
  for (let waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
    if ((readIfExists(join(group, "cgroup.events")) ?? wanted).includes(wanted)) return;
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  throw new HostError("freezer-slow", `the processes in ${group} do not freeze: one is in the kernel`, {
    hint: "it may be waiting for a disk or the network; try again, or look at its state with kelp top",
  });
}
