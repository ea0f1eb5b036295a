/** /dev: nodes bound from the host's after a check of what they really are, links, the terminal. */
import type { RuntimeSpec } from "../oci/index.ts";
import { CREATE, KIND, O, OPEN_TREE } from "./kernel.ts";
import { targetResolve } from "./lower-mounts.ts";
import { ownUsers } from "./lower-users.ts";
import { type PlanBuilder, SLOT } from "./plan-builder.ts";
import { STANDARD_DEVICES } from "./spec-devices.ts";

const LINKS: readonly (readonly [string, string])[] = [
  ["dev/fd", "/proc/self/fd"],
  ["dev/stdin", "/proc/self/fd/0"],
  ["dev/stdout", "/proc/self/fd/1"],
  ["dev/stderr", "/proc/self/fd/2"],
  ["dev/ptmx", "pts/ptmx"],
  ["dev/core", "/proc/kcore"],
];

/** Whether /dev is kelp's own tmpfs rather than something the user mounted there. */
function hasOwnDev(spec: RuntimeSpec): boolean {
  return spec.mounts.some((mount) => mount.destination === "/dev" && mount.type === "tmpfs");
}

/**
 * The standard nodes and links. /dev/null stays open for the masks: that descriptor is checked to be
 * character device 1:3, whatever the image or a volume put in its place (CVE-2025-31133).
 */
export function lowerDevices(plan: PlanBuilder, spec: RuntimeSpec): void {
  const own = hasOwnDev(spec);
  for (const { path, major, minor } of STANDARD_DEVICES) {
    const slot = path === "/dev/null" ? SLOT.null : SLOT.fd;
    if (!own && slot !== SLOT.null) continue;
    const origin = "default";
    plan.add("setup", "openPath", { path, flags: O.PATH | O.NOFOLLOW, into: slot }, { origin });
    plan.add("setup", "expectDevice", { slot, kind: KIND.char, major, minor }, { origin });
    if (own) bindSlot(plan, slot, path, "default");
  }
  if (!own) return;
  for (const [path, target] of LINKS) {
    plan.add("setup", "makeLink", { root: SLOT.root, target, path }, { origin: "default" });
  }
}

function bindSlot(plan: PlanBuilder, slot: number, path: string, origin: string): void {
  plan.add(
    "setup",
    "openTreeAt",
    { root: slot, path: "", flags: OPEN_TREE.CLONE, resolve: 0n, into: SLOT.tree },
    { origin },
  );
  plan.add(
    "setup",
    "moveMount",
    {
      tree: SLOT.tree,
      root: SLOT.root,
      target: path.slice(1),
      create: CREATE.file,
      resolve: targetResolve(path),
    },
    { origin },
  );
}

/** A terminal of the container's own devpts, also as /dev/console. */
export function lowerTerminal(plan: PlanBuilder, spec: RuntimeSpec): void {
  const { height = 0, width = 0 } = spec.process.consoleSize ?? {};
  plan.add(
    "setup",
    "openPty",
    {
      root: SLOT.root,
      path: "dev/pts/ptmx",
      rows: height,
      columns: width,
      uid: ownUsers(spec)?.uid(spec.process.user.uid) ?? spec.process.user.uid,
      into: SLOT.terminal,
    },
    { origin: "--tty" },
  );
  if (hasOwnDev(spec)) bindSlot(plan, SLOT.terminal, "/dev/console", "--tty");
}
