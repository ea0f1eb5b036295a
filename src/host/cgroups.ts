/** Where in the control group tree this process may make groups of its own. */
import { accessSync, constants, mkdirSync, statfsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readIfExists } from "./fs.ts";
import { readProcFile } from "./procfs.ts";

const CGROUP2_MAGIC = 0x63677270;
/** Where version 2 is beside a version 1. */
const HYBRID_MOUNT = "/sys/fs/cgroup/unified";

export type CgroupDelegation =
  | {
      /** Absolute path of the group beneath which new ones can be made and joined. */
      readonly path: string;
      /** Controllers that new groups there can have: cpu, memory, pids, … */
      readonly controllers: readonly string[];
    }
  | { /** Why there is none, for people. */ readonly reason: string };

/** What an administrator does to let users have a controller. */
export function delegateAdvice(): string {
  // Beside a version 1 that has taken the controllers there are none to hand on.
  return cgroupMount() === HYBRID_MOUNT
    ? "boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line (kelp doctor cgroup)"
    : "have it delegated (as root: systemctl edit user@.service, add [Service] Delegate=cpu cpuset io memory pids, and log in again; kelp doctor cgroup-controllers)";
}

export interface CgroupTree {
  /** Text of /proc/self/cgroup. */
  readonly own: string;
  /** Mount point of the version 2 tree, or undefined. */
  readonly mount: string | undefined;
  isWritable(path: string): boolean;
  read(path: string): string | undefined;
}

/**
 * The group beneath which containers get theirs: the parent of our own if that was delegated to
 * us, since a group with processes cannot give controllers to groups inside it; else our own.
 */
export function findDelegatedCgroup(tree: CgroupTree = systemTree()): CgroupDelegation {
  const own = /^0::(.*)$/m.exec(tree.own)?.[1];
  if (own === undefined || tree.mount === undefined)
    return { reason: "control groups version 2 are not mounted" };
  if (own.startsWith("/..")) return { reason: "this process's control group is not visible here" };
  const group = own === "/" ? tree.mount : join(tree.mount, own);
  const mayUse = (path: string) => tree.isWritable(path) && tree.isWritable(join(path, "cgroup.procs"));
  const path = own !== "/" && mayUse(dirname(group)) ? dirname(group) : mayUse(group) ? group : undefined;
  if (path === undefined) return { reason: `control group ${own} was not delegated to this user` };
  return { path, controllers: controllersOf(path, tree) };
}

/** Our own group, for new ones inside it, if it was delegated to us. */
export function findOwnCgroup(tree: CgroupTree = systemTree()): CgroupDelegation {
  const path = ownCgroup(tree);
  if (path === undefined) return { reason: "control groups version 2 are not mounted" };
  if (!tree.isWritable(path) || !tree.isWritable(join(path, "cgroup.procs")))
    return { reason: `control group ${path} was not delegated to this user` };
  return { path, controllers: controllersOf(path, tree) };
}

function systemTree(): CgroupTree {
  return {
    own: readProcFile("/proc/self/cgroup") ?? "",
    mount: ["/sys/fs/cgroup", HYBRID_MOUNT].find(isCgroup2),
    isWritable: (path) => {
      try {
        accessSync(path, constants.W_OK);
        return true;
      } catch {
        return false;
      }
    },
    read: readIfExists,
  };
}

function isCgroup2(path: string): boolean {
  try {
    return statfsSync(path).type === CGROUP2_MAGIC;
  } catch {
    return false;
  }
}

/**
 * Gives groups inside `path` those of the wanted controllers that they do not have yet.
 *
 * @returns the wanted ones that could not be given
 */
export function enableControllers(path: string, wanted: readonly string[]): string[] {
  const file = join(path, "cgroup.subtree_control");
  const given = new Set((readIfExists(file) ?? "").split(/\s+/));
  return wanted.filter((name) => {
    if (given.has(name)) return false;
    try {
      writeFileSync(file, `+${name}`);
      return false;
    } catch {
      // EBUSY: the group has processes of its own; ENOENT: the controller was not delegated.
      return true;
    }
  });
}

/** Whether this process may start others in a group: the kernel asks for the common parent's list of processes. */
export function mayEnterCgroup(group: string, tree: CgroupTree = systemTree()): boolean {
  const own = ownCgroup(tree);
  if (own === undefined) return false;
  const from = own.split("/");
  const to = group.split("/");
  const differs = from.findIndex((word, index) => word !== to[index]);
  const common = (differs < 0 ? from : from.slice(0, differs)).join("/");
  return tree.isWritable(join(common, "cgroup.procs"));
}

/** Absolute path of the group this process is in; undefined where it cannot be seen. */
export function ownCgroup(tree: CgroupTree = systemTree()): string | undefined {
  const own = /^0::(.*)$/m.exec(tree.own)?.[1];
  return own === undefined || tree.mount === undefined || own.startsWith("/..")
    ? undefined
    : join(tree.mount, own);
}

/** The controllers that groups inside this one can have. */
export function controllersOf(path: string, tree: CgroupTree = systemTree()): string[] {
  return (tree.read(join(path, "cgroup.controllers")) ?? "").split(/\s+/).filter(Boolean);
}

/** The group that the system has delegated to the user's systemd, where it has its usual name. */
export function userManagerCgroup(uid = process.getuid?.() ?? 0): string | undefined {
  const mount = cgroupMount();
  const path = join(mount ?? "", "user.slice", `user-${uid}.slice`, `user@${uid}.service`);
  return mount !== undefined && isCgroup2(path) ? path : undefined;
}

/** Moves this process into a group, which is made if it is not there. */
export function enterCgroup(path: string): void {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, "cgroup.procs"), String(process.pid));
}

/** Where the version 2 tree is mounted, if it is. */
export function cgroupMount(): string | undefined {
  return systemTree().mount;
}
