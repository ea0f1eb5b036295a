/** Finding the control group of a container. Apart from making one, which `ps` has no use for. */
import { join } from "node:path";
import { containerDir, readIfExists } from "../host/index.ts";
import type { Context } from "../state/index.ts";

/** The file in which a start notes the group it made; the caller's own place decides where that is. */
export function notePath(ctx: Context, id: string): string {
  return join(containerDir(ctx.paths, id), "cgroup");
}

export interface ContainerCgroup {
  /** The container's group: limits, the freezer and the counters are here. */
  readonly path: string;
  /** The one its processes are in. */
  readonly processes: string;
}

/** The group of the container's last start, if it got one. */
export function cgroupOf(ctx: Context, id: string): ContainerCgroup | undefined {
  const [path, processes] = (readIfExists(notePath(ctx, id)) ?? "").split("\n");
  return path && processes ? { path, processes } : undefined;
}
