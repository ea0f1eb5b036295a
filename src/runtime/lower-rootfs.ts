/** The root filesystem: mounted where no other process sees it, and made read-only at the end. */
import { HostError } from "../base/index.ts";
import type { RuntimeSpec } from "../oci/index.ts";
import type { RootfsSource } from "../state/index.ts";
import { ATTR, MNT_DETACH, MS, OPEN_TREE } from "./kernel.ts";
import type { LowerInput } from "./lower.ts";
import { NO_SLOT, TOLERATE } from "./plan/ops.ts";
import { type PlanBuilder, SLOT } from "./plan-builder.ts";

/** A page less what the kernel itself adds: mount(2) takes no longer option string. */
const MAX_OVERLAY_DATA = 4095;

/** Mounts the root in the container's own mount namespace, so that it goes when the container does. */
export function lowerRootfs(plan: PlanBuilder, { rootfs }: { readonly rootfs: RootfsSource }): void {
  const origin = "root filesystem";
  plan.add("setup", "propagation", { path: "/", flags: MS.REC | MS.SLAVE }, { origin: "default" });
  switch (rootfs.kind) {
    case "overlay":
      plan.add(
        "setup",
        "overlay",
        {
          cwd: rootfs.layersDir,
          data: overlayData(rootfs),
          flags: 0n,
          target: rootfs.merged,
          into: SLOT.root,
        },
        { origin },
      );
      return;
    case "fuse":
      plan.add("monitor", "run", { argv: fuseCommand(rootfs), env: [], pidArg: NO_SLOT }, { origin });
      attachDirectory(plan, rootfs.merged, rootfs.merged, origin);
      return;
    case "directory":
      attachDirectory(plan, rootfs.path, rootfs.merged, origin);
  }
}

/** The same where the monitor is, for a runtime of somebody else's to find; `finish` undoes it. */
export function mountRootfs(plan: PlanBuilder, rootfs: RootfsSource): void {
  const origin = "root filesystem";
  const { merged } = rootfs;
  if (rootfs.kind === "directory") return;
  plan.add("monitor", "unmount", { path: merged, flags: MNT_DETACH }, { origin, tolerate: TOLERATE.any });
  if (rootfs.kind === "fuse") {
    plan.add("monitor", "run", { argv: fuseCommand(rootfs), env: [], pidArg: NO_SLOT }, { origin });
    return;
  }
  const { layersDir: cwd } = rootfs;
  const place = { cwd, data: overlayData(rootfs), flags: 0n, target: merged, into: SLOT.merged };
  plan.add("monitor", "overlay", place, { origin });
}

/** Where it is then, for the runtime. */
export function mountedRootfs(rootfs: RootfsSource): string {
  return rootfs.kind === "directory" ? rootfs.path : rootfs.merged;
}

function attachDirectory(plan: PlanBuilder, path: string, target: string, origin: string): void {
  const flags = OPEN_TREE.CLONE | OPEN_TREE.RECURSIVE;
  plan.add("setup", "openTree", { path, flags, into: SLOT.tree }, { origin });
  plan.add(
    "setup",
    "mountAttr",
    { tree: SLOT.tree, set: 0n, clear: 0n, propagation: MS.PRIVATE, recursive: 1 },
    { origin },
  );
  plan.add("setup", "attachRoot", { tree: SLOT.tree, target, into: SLOT.root }, { origin });
}

/**
 * overlay's option string. Lower directories are names beneath the working directory of the mount,
 * because the whole must fit a page.
 *
 * @throws {HostError} if it does not fit.
 */
export function overlayData(rootfs: {
  readonly lower: readonly string[];
  readonly data?: readonly string[] | undefined;
  /** Absent, with `work`: a view that nobody can write to. */
  readonly upper?: string;
  readonly work?: string;
  readonly options: readonly string[];
}): string {
  const inList = (path: string) => escapeOption(path).replaceAll(":", "\\:");
  const lower = [rootfs.lower.map(inList).join(":"), ...(rootfs.data ?? []).map(inList)].join("::");
  const words = [
    `lowerdir=${lower}`,
    ...(rootfs.upper === undefined ? [] : [`upperdir=${escapeOption(rootfs.upper)}`]),
    ...(rootfs.work === undefined ? [] : [`workdir=${escapeOption(rootfs.work)}`]),
    ...rootfs.options,
  ];
  const data = words.join(",");
  if (Buffer.byteLength(data) <= MAX_OVERLAY_DATA) return data;
  throw new HostError(
    "too-many-layers",
    `cannot mount the root filesystem: its ${rootfs.lower.length + (rootfs.data?.length ?? 0)} layers do not fit the kernel's limit`,
    {
      hint: "use a shorter --root path, or --storage-driver fuse-overlayfs",
    },
  );
}

/** The kernel splits at commas unless a backslash comes before them. */
function escapeOption(path: string): string {
  return path.replaceAll("\\", "\\\\").replaceAll(",", "\\,");
}

/** fuse-overlayfs complains of an option of its own at every start: what it says counts if it fails. */
const QUIETLY = 'said=$("$0" "$@" 2>&1) || { status=$?; printf "%s\\n" "$said" >&2; exit $status; }';

function fuseCommand(rootfs: Extract<RootfsSource, { kind: "fuse" }>): string[] {
  const lower = rootfs.lower
    .map((name) => escapeOption(`${rootfs.layersDir}/${name}`).replaceAll(":", "\\:"))
    .join(":");
  const options = [
    `lowerdir=${lower}`,
    `upperdir=${escapeOption(rootfs.upper)}`,
    `workdir=${escapeOption(rootfs.work)}`,
    ...rootfs.options,
  ];
  return ["/bin/sh", "-c", QUIETLY, rootfs.program, "-o", options.join(","), rootfs.merged];
}

/** Before any mount: what the user has mounted over a part of the root is not ours to write to. */
export function lowerLinks(
  plan: PlanBuilder,
  { links, missingLinks }: Pick<LowerInput, "links" | "missingLinks">,
): void {
  for (const [path, target] of Object.entries(missingLinks ?? {})) {
    const place = { root: SLOT.root, path: path.slice(1), target };
    plan.add("setup", "makeLink", place, { origin: path, tolerate: TOLERATE.any });
  }
  for (const [path, target] of Object.entries(links ?? {})) {
    const place = { root: SLOT.root, path: path.slice(1) };
    plan.add("setup", "removeAt", place, { origin: path, tolerate: TOLERATE.any });
    plan.add("setup", "makeLink", { ...place, target }, { origin: path, tolerate: TOLERATE.any });
  }
}

/** Last of all set-up: what the container's mounts need in the root has been made by then. */
export function lowerRootReadOnly(plan: PlanBuilder, spec: RuntimeSpec): void {
  if (!spec.root.readonly) return;
  plan.add(
    "setup",
    "mountAttr",
    { tree: SLOT.root, set: ATTR.RDONLY, clear: 0n, propagation: 0n, recursive: 0 },
    { origin: "--read-only" },
  );
}
