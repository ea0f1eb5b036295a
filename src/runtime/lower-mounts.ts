/** Mounts of the container: each made detached, given its attributes, then moved into place beneath the root. */
import { HostError } from "../base/index.ts";
import type { RuntimeSpec, SpecMount } from "../oci/index.ts";
import { ATTR, CREATE, MS, O, OPEN_TREE, RESOLVE } from "./kernel.ts";
import type { LowerInput } from "./lower.ts";
import { JOINED_SHM, lowerJoinedShmMount } from "./lower-joined-shm.ts";
import { overlayData } from "./lower-rootfs.ts";
import { ownUsers } from "./lower-users.ts";
import { parseMountOptions } from "./mount-options.ts";
import { TOLERATE } from "./plan/ops.ts";
import { type PlanBuilder, SLOT } from "./plan-builder.ts";
import { lowerDirectories, sourceKey, subpathOf } from "./sources.ts";

/** Filesystems made afresh; what a plan may mount of a kernel's. */
const FRESH = new Set(["proc", "tmpfs", "sysfs", "devpts", "mqueue", "cgroup2"]);
const NO_LINKS_BENEATH = ["/proc", "/sys", "/dev"];

/**
 * How a target is resolved: links of the image lead to places inside the root, and where the kernel's or
 * our own filesystems lie, a link can only be an attack and is refused.
 */
export function targetResolve(destination: string): bigint {
  const strict = NO_LINKS_BENEATH.some(
    (place) => destination === place || destination.startsWith(`${place}/`),
  );
  return RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS | (strict ? RESOLVE.NO_SYMLINKS : 0n);
}

/** All mounts of the specification, in its order. */
export function lowerMounts(plan: PlanBuilder, input: LowerInput): void {
  for (const mount of input.spec.mounts) {
    const origin = input.origins?.get(mount.destination) ?? "default";
    if (mount.type === "bind") lowerBind(plan, mount, input, origin);
    else if (mount.type === "overlay") lowerOverlay(plan, mount, input, origin);
    else if (mount.type === JOINED_SHM) lowerJoinedShmMount(plan, mount);
    else if (FRESH.has(mount.type)) lowerFresh(plan, mount, input, origin);
    else {
      throw new HostError(
        "unsupported-spec-field",
        `cannot start the container: mount type ${mount.type} on ${mount.destination} is not supported`,
      );
    }
  }
}

function move(plan: PlanBuilder, tree: number, destination: string, create: number, origin: string): void {
  plan.add(
    "setup",
    "moveMount",
    { tree, root: SLOT.root, target: destination.slice(1), create, resolve: targetResolve(destination) },
    { origin },
  );
}

function lowerFresh(plan: PlanBuilder, mount: SpecMount, input: LowerInput, origin: string): void {
  const { set, data } = parseMountOptions(mount.options);
  const options = [`source=${mount.source}`, ...ownerOptions(mount, data, input)];
  const hidesSettings = mount.destination === "/proc" && data.some((word) => word.startsWith("subset="));
  // What is written there comes from a whole one, which nobody else sees.
  if (hidesSettings)
    plan.add("setup", "newMount", { type: "proc", options: [], attrs: 0n, into: SLOT.proc }, { origin });
  const into = (hidesSettings ? undefined : KEPT[mount.destination]) ?? SLOT.tree;
  // Nodes, links and mount points are still to be made in /dev; lowerDevReadOnly closes it.
  const copies = mount.type === "tmpfs" && mount.options.includes("tmpcopyup");
  const attrs = into === SLOT.dev || copies ? set & ~ATTR.RDONLY : set;
  plan.add("setup", "newMount", { type: mount.type, options, attrs, into }, { origin });
  if (copies) copyUp(plan, mount, into, origin);
  if (copies && attrs !== set) {
    const readOnly = { tree: into, set: ATTR.RDONLY, clear: 0n, propagation: 0n, recursive: 0 };
    plan.add("setup", "mountAttr", readOnly, { origin });
  }
  move(plan, into, mount.destination, CREATE.directory, origin);
}

/** What the image has there comes along; a directory that it lacks is the usual case, and anything else stays covered. */
function copyUp(plan: PlanBuilder, { destination, options }: SpecMount, into: number, origin: string): void {
  const flags = O.DIRECTORY;
  const place = {
    root: SLOT.root,
    path: destination.slice(1),
    flags,
    mode: 0,
    resolve: targetResolve(destination),
  };
  const tolerate = TOLERATE.missing;
  plan.add("setup", "openAt", { ...place, into: SLOT.fd }, { origin, tolerate });
  const looks = options.some((word) => word.startsWith("mode=")) ? 0 : 1;
  plan.add("setup", "copyTree", { from: SLOT.fd, to: into, looks }, { origin });
  plan.add("setup", "closeSlot", { slot: SLOT.fd }, { origin });
}

/**
 * Owners in ids of the base, as which the mount is made. The terminal group does not exist where only one id is
 * mapped, or not that one.
 */
function ownerOptions(mount: SpecMount, data: readonly string[], { spec, maps }: LowerInput): string[] {
  const users = ownUsers(spec);
  const result = data.flatMap((word) => {
    const match = /^(uid|gid)=(\d+)$/.exec(word);
    if (match === null) return [word];
    const id = users === undefined ? Number(match[2]) : users[match[1] as "uid" | "gid"](Number(match[2]));
    return id === undefined || (mount.type === "devpts" && maps.single) ? [] : [`${match[1]}=${id}`];
  });
  if (users !== undefined && mount.type === "tmpfs") {
    for (const key of ["uid", "gid"] as const)
      if (!result.some((word) => word.startsWith(`${key}=`))) result.push(`${key}=${users[key](0) ?? 0}`);
  }
  return result;
}

/** Mounts whose descriptor is used later, when another mount may lie over the path: proc for settings, dev to be closed. */
const KEPT: Readonly<Record<string, number>> = { "/proc": SLOT.proc, "/dev": SLOT.dev };

/** Makes kelp's own /dev read-only once everything is in it (--read-only without --read-only-tmpfs). */
export function lowerDevReadOnly(plan: PlanBuilder, spec: RuntimeSpec): void {
  const dev = spec.mounts.find((mount) => mount.destination === "/dev" && mount.type === "tmpfs");
  if (dev?.options.includes("ro") !== true) return;
  const attributes = { tree: SLOT.dev, set: ATTR.RDONLY, clear: 0n, propagation: 0n, recursive: 0 };
  plan.add("setup", "mountAttr", attributes, { origin: "--read-only-tmpfs" });
}

function lowerBind(plan: PlanBuilder, mount: SpecMount, input: LowerInput, origin: string): void {
  const isFile = input.fileSources.has(sourceKey(mount));
  const subpath = subpathOf(mount);
  // What lies in our own store is never a link, unless somebody put one there.
  const isOurs = mount.source.startsWith(`${input.paths.data}/`);
  const flags = OPEN_TREE.CLONE | OPEN_TREE.RECURSIVE | (isOurs ? OPEN_TREE.NOFOLLOW : 0);
  const words = mount.options.filter((option) => !option.startsWith("subpath="));
  const { set, clear, propagation, data } = parseMountOptions(words);
  if (data.length > 0) {
    throw new HostError(
      "unsupported-spec-field",
      `cannot start the container: option ${data[0]} of the mount on ${mount.destination} is not supported`,
    );
  }
  if (mount.options.includes("U")) lowerOwner(plan, mount.source, input, origin);
  // Always the whole tree: the kernel refuses to uncover what lies below a mount that came from the host.
  if (subpath === undefined) {
    plan.add("setup", "openTree", { path: mount.source, flags, into: SLOT.tree }, { origin });
  } else {
    const place = { path: mount.source, flags: O.PATH | O.DIRECTORY, into: SLOT.fd };
    plan.add("setup", "openPath", place, { origin });
    openBeneath(plan, SLOT.fd, subpath, origin);
    plan.add("setup", "closeSlot", { slot: SLOT.fd }, { origin });
  }
  const attributes = { tree: SLOT.tree, set, clear, propagation: propagation || MS.PRIVATE, recursive: 1 };
  plan.add("setup", "mountAttr", attributes, { origin });
  move(plan, SLOT.tree, mount.destination, isFile ? CREATE.file : CREATE.directory, origin);
}

/** What lies beneath may be a container's to swap for a link: it leads to places beneath and nowhere else. */
function openBeneath(plan: PlanBuilder, root: number, subpath: string, origin: string): void {
  const resolve = RESOLVE.IN_ROOT | RESOLVE.NO_MAGICLINKS;
  const flags = OPEN_TREE.CLONE | OPEN_TREE.RECURSIVE;
  const path = subpath.replace(/^\/+/, "");
  plan.add("setup", "openTreeAt", { root, path, flags, resolve, into: SLOT.tree }, { origin });
}

/** Only the owners of the sources of `:U`: somebody else mounts them. */
export function lowerMountOwners(plan: PlanBuilder, spec: RuntimeSpec): void {
  for (const { type, source, options } of spec.mounts)
    if (type === "bind" && options.includes("U")) lowerOwner(plan, source, { spec }, "volume option U");
}

/** `:U` gives the source to the container's user. */
function lowerOwner(
  plan: PlanBuilder,
  path: string,
  { spec }: Pick<LowerInput, "spec">,
  origin: string,
): void {
  const { uid, gid } = spec.process.user;
  const users = ownUsers(spec);
  const owner = { uid: users?.uid(uid) ?? uid, gid: users?.gid(gid) ?? gid };
  plan.add("monitor", "ownTree", { path, ...owner }, { origin });
}

/** A layer of the container's own over a host directory, or an image's files: mounted beside, then moved to where it belongs. */
function lowerOverlay(plan: PlanBuilder, mount: SpecMount, input: LowerInput, origin: string): void {
  const value = (key: string) =>
    mount.options.find((option) => option.startsWith(`${key}=`))?.slice(key.length + 1);
  const [upper, work] = [value("upperdir"), value("workdir")];
  const data = overlayData({
    ...lowerDirectories(mount),
    ...(upper === undefined || work === undefined ? {} : { upper, work }),
    options: ["userxattr"],
  });
  const place = { cwd: "/", data, flags: 0n, target: mount.source, into: SLOT.merged };
  plan.add("setup", "overlay", place, { origin });
  const subpath = subpathOf(mount) ?? "";
  if (subpath === "") {
    const whole = { root: SLOT.merged, path: "", flags: OPEN_TREE.CLONE, resolve: 0n, into: SLOT.tree };
    plan.add("setup", "openTreeAt", whole, { origin });
  } else openBeneath(plan, SLOT.merged, subpath, origin);
  const readOnly = mount.options.includes("ro") ? ATTR.RDONLY : 0n;
  const set = ATTR.NOSUID | ATTR.NODEV | readOnly;
  const attributes = { tree: SLOT.tree, set, clear: 0n, propagation: MS.PRIVATE, recursive: 0 };
  plan.add("setup", "mountAttr", attributes, { origin });
  const isFile = input.fileSources.has(sourceKey(mount));
  move(plan, SLOT.tree, mount.destination, isFile ? CREATE.file : CREATE.directory, origin);
}
