/** Hidden and read-only paths, after every mount. */
import type { RuntimeSpec } from "../oci/index.ts";
import { ATTR, CREATE, OPEN_TREE } from "./kernel.ts";
import { targetResolve } from "./lower-mounts.ts";
import { TOLERATE } from "./plan/ops.ts";
import { type PlanBuilder, SLOT } from "./plan-builder.ts";
import { DEFAULT_MASKS } from "./spec-masks.ts";

/** Masks first: a read-only path may lie above one. */
export function lowerMasks(plan: PlanBuilder, spec: RuntimeSpec): void {
  for (const path of spec.linux.maskedPaths ?? []) {
    const kind = DEFAULT_MASKS[path];
    if (kind === undefined) lowerUnknownMask(plan, path);
    else if (kind === "file") maskFile(plan, path, TOLERATE.missing, "default");
    else maskDirectory(plan, path, TOLERATE.missing, "default");
  }
  for (const path of spec.linux.readonlyPaths ?? []) lowerReadOnly(plan, path);
}

/** A path of the image may be either: the cover that does not fit is refused by the kernel with EINVAL or ENOTDIR. */
function lowerUnknownMask(plan: PlanBuilder, path: string): void {
  const tolerate = TOLERATE.missing | TOLERATE.unsupported;
  maskDirectory(plan, path, tolerate, "--security-opt mask");
  maskFile(plan, path, tolerate, "--security-opt mask");
}

function maskFile(plan: PlanBuilder, path: string, tolerate: number, origin: string): void {
  const source = { root: SLOT.null, path: "", flags: OPEN_TREE.CLONE, resolve: 0n, into: SLOT.tree };
  plan.add("setup", "openTreeAt", source, { origin });
  cover(plan, path, tolerate, origin);
}

function maskDirectory(plan: PlanBuilder, path: string, tolerate: number, origin: string): void {
  const attrs = ATTR.RDONLY | ATTR.NOSUID | ATTR.NODEV | ATTR.NOEXEC;
  const empty = {
    type: "tmpfs",
    options: ["source=tmpfs", "size=0k", "nr_inodes=1", "mode=755"],
    attrs,
    into: SLOT.tree,
  };
  plan.add("setup", "newMount", empty, { origin });
  cover(plan, path, tolerate, origin);
}

function cover(plan: PlanBuilder, path: string, tolerate: number, origin: string): void {
  plan.add(
    "setup",
    "moveMount",
    {
      tree: SLOT.tree,
      root: SLOT.root,
      target: path.slice(1),
      create: CREATE.no,
      resolve: targetResolve(path),
    },
    { origin, tolerate },
  );
}

/** The path becomes a mount of its own, on itself, that cannot be written. */
function lowerReadOnly(plan: PlanBuilder, path: string): void {
  const resolve = targetResolve(path);
  const target = path.slice(1);
  const flags = OPEN_TREE.CLONE | OPEN_TREE.RECURSIVE;
  const options = { origin: "default", tolerate: TOLERATE.missing };
  plan.add(
    "setup",
    "openTreeAt",
    { root: SLOT.root, path: target, flags, resolve, into: SLOT.tree },
    options,
  );
  const attributes = { tree: SLOT.tree, set: ATTR.RDONLY, clear: 0n, propagation: 0n, recursive: 1 };
  plan.add("setup", "mountAttr", attributes, { origin: "default" });
  plan.add(
    "setup",
    "moveMount",
    { tree: SLOT.tree, root: SLOT.root, target, create: CREATE.no, resolve },
    { origin: "default" },
  );
}
