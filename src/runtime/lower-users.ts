/** A user namespace of the container's own, inside the base's. */
import type { RuntimeSpec, SpecIdMapping } from "../oci/index.ts";
import type { RootfsSource } from "../state/index.ts";
import { CLONE } from "./kernel.ts";
import { TOLERATE } from "./plan/ops.ts";
import { type PlanBuilder, SLOT } from "./plan-builder.ts";

const ORIGIN = "--userns";

/** Translates ids of the container to those of the base; undefined for one that the container does not have. */
export interface OwnUsers {
  uid(id: number): number | undefined;
  gid(id: number): number | undefined;
}

/** undefined: the container's ids are the base's. */
export function ownUsers({ linux }: RuntimeSpec): OwnUsers | undefined {
  const { uidMappings, gidMappings } = linux;
  if (uidMappings === undefined || gidMappings === undefined) return undefined;
  return { uid: (id) => translate(uidMappings, id), gid: (id) => translate(gidMappings, id) };
}

function translate(maps: readonly SpecIdMapping[], id: number): number | undefined {
  const found = maps.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return found === undefined ? undefined : found.hostID + id - found.containerID;
}

/** The container's `/` belongs to its root. */
export function lowerRootOwner(plan: PlanBuilder, spec: RuntimeSpec, rootfs: RootfsSource): void {
  const users = ownUsers(spec);
  if (users === undefined || rootfs.kind === "directory") return;
  const owner = { uid: users.uid(0) ?? 0, gid: users.gid(0) ?? 0 };
  plan.add("monitor", "setOwner", { path: rootfs.upper, ...owner }, { origin: ORIGIN });
}

/** The network namespace is the base's: a setting gives what the capability for ports below 1024 does not. */
export function lowerOwnPorts(plan: PlanBuilder, { linux }: RuntimeSpec): void {
  const own = linux.namespaces.some(({ type, path }) => type === "network" && path === undefined);
  if (linux.uidMappings === undefined || !own) return;
  const args = { root: SLOT.proc, path: "sys/net/ipv4/ip_unprivileged_port_start", resolve: 0n, data: "0" };
  plan.add("setup", "writeAt", args, { origin: ORIGIN, tolerate: TOLERATE.any });
}

function joinedUsers({ linux }: RuntimeSpec): string | undefined {
  return linux.namespaces.find(({ type }) => type === "user")?.path;
}

/** While the host's /proc is there to be seen: the namespace that `lowerOwnUsers` enters. */
export function lowerJoinedUsers(plan: PlanBuilder, spec: RuntimeSpec): void {
  const path = joinedUsers(spec);
  if (path !== undefined)
    plan.add("setup", "openPath", { path, flags: 0, into: SLOT.users }, { origin: ORIGIN });
}

/**
 * Last of `setup`: everything before is done as the base's root, who owns the container's namespaces and may
 * reach the user's files. So the container's root has no power over those; what it may do to files is not less.
 */
export function lowerOwnUsers(plan: PlanBuilder, spec: RuntimeSpec): void {
  const { uidMappings, gidMappings } = spec.linux;
  if (uidMappings === undefined || gidMappings === undefined) return;
  if (joinedUsers(spec) === undefined) {
    const maps = { uid: mapText(uidMappings), gid: mapText(gidMappings) };
    plan.add("setup", "ownUsers", { proc: SLOT.proc, ...maps }, { origin: ORIGIN });
  } else plan.add("setup", "joinPid", { slot: SLOT.users, namespaces: CLONE.NEWUSER }, { origin: ORIGIN });
  // Who may mount needs a mount namespace that belongs to its own users.
  if (spec.process.capabilities.bounding.includes("CAP_SYS_ADMIN"))
    plan.add("setup", "unshare", { flags: CLONE.NEWNS }, { origin: ORIGIN });
  plan.add("setup", "becomeRoot", {}, { origin: ORIGIN });
}

function mapText(maps: readonly SpecIdMapping[]): string {
  return maps.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join("");
}
