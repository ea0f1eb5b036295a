/** A container's root as a command in the base namespaces sees it: mounted in a mount namespace of the command's own. */
import type { RootfsSource } from "../state/index.ts";
import { CLONE, MS } from "./kernel.ts";
import { lowerRootfs, overlayData } from "./lower-rootfs.ts";
import { NO_SLOT } from "./plan/ops.ts";
import { type PlanBuilder, SLOT } from "./plan-builder.ts";

/** It appears at the `merged` directory of `rootfs`, for that command only, and goes with it however that ends. */
export interface RootView {
  readonly rootfs: RootfsSource;
  /** False: nothing can be changed, and a running container may go on using its own mount of the same files. */
  readonly writable: boolean;
}

const ORIGIN = "root filesystem";
const MS_RDONLY = 1n;

/** The command must not be registered as a holder: whoever joined its namespaces would keep the mounts. */
export function lowerRootViews(plan: PlanBuilder, views: readonly RootView[]): void {
  plan.add("monitor", "unshare", { flags: CLONE.NEWNS }, { origin: ORIGIN });
  plan.add("monitor", "propagation", { path: "/", flags: MS.REC | MS.SLAVE }, { origin: ORIGIN });
  for (const view of views) {
    if (view.writable || view.rootfs.kind === "directory") lowerRootfs(plan, view);
    else lowerReadOnly(plan, view.rootfs);
  }
}

/** The upper directory is the topmost of the lower ones: overlay has no objection to its being used meanwhile. */
function lowerReadOnly(plan: PlanBuilder, rootfs: Exclude<RootfsSource, { kind: "directory" }>): void {
  const lower = [rootfs.upper, ...rootfs.lower];
  if (rootfs.kind === "overlay") {
    const data = overlayData({ lower, data: rootfs.data, options: rootfs.options });
    const { layersDir: cwd, merged: target } = rootfs;
    plan.add(
      "setup",
      "overlay",
      { cwd, data, flags: MS_RDONLY, target, into: SLOT.root },
      { origin: ORIGIN },
    );
    return;
  }
  const paths = [rootfs.upper, ...rootfs.lower.map((name) => `${rootfs.layersDir}/${name}`)];
  const argv = [
    rootfs.program,
    "-o",
    overlayData({ lower: paths, options: ["ro", ...rootfs.options] }),
    rootfs.merged,
  ];
  plan.add("monitor", "run", { argv, env: [], pidArg: NO_SLOT }, { origin: ORIGIN });
}
