/** --ipc container:ID: the other container's /dev/shm, which only its own mount namespace knows. */
import type { RuntimeSpec, SpecMount } from "../oci/index.ts";
import { ATTR, CLONE, CREATE, MS, O, OPEN_TREE, RESOLVE } from "./kernel.ts";
import { type PlanBuilder, SLOT } from "./plan-builder.ts";

/** The type of such a mount in kelp's specifications; its source is the other's mount namespace. */
export const JOINED_SHM = "joined-shm";

const ORIGIN = "--ipc";

function joinedShm({ mounts }: RuntimeSpec): SpecMount | undefined {
  return mounts.find(({ type }) => type === JOINED_SHM);
}

/**
 * First of all mounts: into the other's mounts, for a clone of one of them, and back. A mount can be cloned only where it
 * is. No link is followed there: the place is the other container's to change.
 */
export function lowerJoinedShm(plan: PlanBuilder, spec: RuntimeSpec): void {
  const mount = joinedShm(spec);
  if (mount === undefined) return;
  const add = { origin: ORIGIN };
  const resolve = RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS | RESOLVE.NO_SYMLINKS;
  plan.add("setup", "openPath", { path: "/proc/self/ns/mnt", flags: 0, into: SLOT.ownMounts }, add);
  plan.add("setup", "openPath", { path: mount.source, flags: 0, into: SLOT.fd }, add);
  plan.add("setup", "joinPid", { slot: SLOT.fd, namespaces: CLONE.NEWNS }, add);
  plan.add("setup", "openPath", { path: "/", flags: O.PATH | O.DIRECTORY, into: SLOT.fd }, add);
  const place = { root: SLOT.fd, path: mount.destination.slice(1), flags: OPEN_TREE.CLONE, resolve };
  plan.add("setup", "openTreeAt", { ...place, into: SLOT.shm }, add);
  plan.add("setup", "joinPid", { slot: SLOT.ownMounts, namespaces: CLONE.NEWNS }, add);
  plan.add("setup", "closeSlot", { slot: SLOT.fd }, add);
}

/** In its turn among the mounts. */
export function lowerJoinedShmMount(plan: PlanBuilder, { destination }: SpecMount): void {
  const set = ATTR.NOSUID | ATTR.NODEV | ATTR.NOEXEC;
  const attributes = { tree: SLOT.shm, set, clear: 0n, propagation: MS.PRIVATE, recursive: 0 };
  plan.add("setup", "mountAttr", attributes, { origin: ORIGIN });
  const resolve = RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS | RESOLVE.NO_SYMLINKS;
  const target = { root: SLOT.root, target: destination.slice(1), create: CREATE.directory, resolve };
  plan.add("setup", "moveMount", { tree: SLOT.shm, ...target }, { origin: ORIGIN });
}
