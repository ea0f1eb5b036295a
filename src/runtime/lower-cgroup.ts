/** The container's control group: made before its first process, which is born in it; removed at the end. */
import type { CgroupSetting } from "./cgroup-limits.ts";
import { ATTR, CLONE, OPEN_TREE, RESOLVE } from "./kernel.ts";
import { NO_SLOT, TOLERATE } from "./plan/ops.ts";
import { type PlanBuilder, SLOT } from "./plan-builder.ts";

export interface CgroupConfig {
  /** Absolute path of the container's group; its parent exists. */
  readonly path: string;
  /** The container may write to its view: then the limits are on a group above what it sees. */
  readonly nested: boolean;
  /** Controllers that the inner group of a nested one gets, so that programs find their limits. */
  readonly controllers: readonly string[];
  readonly settings: readonly CgroupSetting[];
  /** A group for what serves other containers as well, where this one's surroundings end with it (a unit of systemd). */
  readonly shared?: string;
}

const ORIGIN = "cgroup";
/** Name of the group that a container with a writable view sees as its root. */
export const INNER_CGROUP = "container";

/** The group that processes of the container are born in. */
export function processGroup({ path, nested }: Pick<CgroupConfig, "path" | "nested">): string {
  return nested ? `${path}/${INNER_CGROUP}` : path;
}

/** The slot of that group; NO_SLOT without a group. */
export function cgroupSlot(cgroup: CgroupConfig | undefined): number {
  return cgroup === undefined ? NO_SLOT : SLOT.cgroup;
}

/** The slot of the group for what other containers need, too; NO_SLOT if it can be where we are. */
export function lowerSharedCgroup(plan: PlanBuilder, cgroup: CgroupConfig | undefined): number {
  if (cgroup?.shared === undefined) return NO_SLOT;
  plan.add("launch", "cgroupMake", { path: cgroup.shared, into: SLOT.sharedCgroup }, { origin: ORIGIN });
  return SLOT.sharedCgroup;
}

/** In the launcher, because it alone surely sees the host's hierarchy as the caller does. */
export function lowerCgroup(plan: PlanBuilder, cgroup: CgroupConfig | undefined): void {
  if (cgroup === undefined) return;
  const { path, nested, settings } = cgroup;
  const outer = nested ? SLOT.outerCgroup : SLOT.cgroup;
  plan.add("launch", "cgroupMake", { path, into: outer }, { origin: ORIGIN });
  write(plan, outer, settings);
  if (nested) lowerInner(plan, cgroup, outer);
  lowerCgroupEntry(plan, processGroup(cgroup));
}

function lowerInner(plan: PlanBuilder, cgroup: CgroupConfig, outer: number): void {
  plan.add("launch", "cgroupMake", { path: processGroup(cgroup), into: SLOT.cgroup }, { origin: ORIGIN });
  for (const controller of cgroup.controllers) {
    const args = { root: outer, path: "cgroup.subtree_control", resolve: BENEATH, data: `+${controller}` };
    plan.add("monitor", "writeAt", args, { origin: ORIGIN });
  }
  write(plan, SLOT.cgroup, cgroup.settings);
}

/**
 * Leaves in the slot what processes are born in the group with: a read-only mount of the group alone, attached nowhere.
 * A process that enters a container has the descriptor for a moment, and who may trace in there can take it: from a
 * directory of the host's tree `..` would lead to all of the host, and its files would lift the limits.
 */
export function lowerCgroupEntry(plan: PlanBuilder, path: string): void {
  const readOnly = { tree: SLOT.cgroup, set: ATTR.RDONLY, clear: 0n, propagation: 0n, recursive: 0 };
  plan.add("monitor", "openTree", { path, flags: OPEN_TREE.NOFOLLOW, into: SLOT.cgroup }, { origin: ORIGIN });
  plan.add("monitor", "mountAttr", readOnly, { origin: ORIGIN });
}

const BENEATH = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS;

function write(plan: PlanBuilder, slot: number, settings: readonly CgroupSetting[]): void {
  for (const { file, value, origin, optional } of settings) {
    const tolerate = optional === true ? TOLERATE.missing : TOLERATE.none;
    const args = { root: slot, path: file, resolve: BENEATH, data: value };
    plan.add("monitor", "writeAt", args, { origin, tolerate });
  }
}

/** A cgroup namespace shows its maker's group as the root: so it is made by the process already in the group. */
export function lowerCgroupNamespace(plan: PlanBuilder): void {
  plan.add("setup", "unshare", { flags: CLONE.NEWCGROUP }, { origin: "--cgroupns" });
}

/** Whatever of the container is still alive dies here: with --pid=host its other processes outlive the first. */
export function lowerCgroupEnd(plan: PlanBuilder, cgroup: CgroupConfig | undefined): void {
  if (cgroup !== undefined) plan.add("finish", "cgroupRemove", { path: cgroup.path }, { origin: ORIGIN });
}
