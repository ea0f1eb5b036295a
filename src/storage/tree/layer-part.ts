/** What of a tree goes into a layer: what overlay recorded of it, or what differs from the layers below. */
import { errnoCode } from "../../base/index.ts";
import type { Libc } from "../../host/index.ts";
import { treeChanges } from "./changes.ts";
import { Directory } from "./directory.ts";
import type { EmitOptions } from "./emit.ts";
import { LowerView } from "./lower-view.ts";

export interface LayerPart {
  /** Directories of the layers below, topmost first. */
  readonly lower: readonly string[];
  /** The tree is not overlay's own record of the changes but holds all files. */
  readonly whole: boolean;
  /** Absolute paths that are left out if they are new and hold nothing: what a start makes to mount on. */
  readonly mountPoints: readonly string[];
}

/** How the tree at `path` is to be emitted; the entries are those of a layer, with whiteouts for what is missing. */
export function layerOptions(libc: Libc, path: string, layer: LayerPart): Omit<EmitOptions, "libc"> {
  if (layer.whole) return differenceOptions(libc, path, layer);
  const made = layer.mountPoints
    .filter((point) => !isThere(libc, layer.lower, point))
    .map((point) => point.slice(1));
  const bare = bareMountPoints(path, made);
  return { layer: true, lower: layer.lower, skip: (name) => bare.has(name) };
}

/** The link that a start makes where the image lacks it. */
export const MTAB = { path: "etc/mtab", target: "/proc/mounts" } as const;

/** Those that hold nothing but one another, or are that link. */
function bareMountPoints(root: string, made: readonly string[]): Set<string> {
  const bare = new Set<string>();
  const deepestFirst = [...made].sort((a, b) => b.length - a.length);
  for (const path of deepestFirst) {
    const parts = path.split("/");
    const dirs = [Directory.open(root)];
    try {
      for (const part of parts.slice(0, -1)) dirs.push((dirs.at(-1) as Directory).child(part));
      if (isBare(dirs.at(-1) as Directory, parts.at(-1) as string, path, bare)) bare.add(path);
    } catch (error) {
      if (!["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoCode(error) ?? "")) throw error;
    } finally {
      for (const dir of dirs) dir.close();
    }
  }
  return bare;
}

function isBare(parent: Directory, name: string, path: string, bare: ReadonlySet<string>): boolean {
  const looks = parent.stat(name);
  if (looks?.isSymbolicLink() === true) return path === MTAB.path && parent.readlink(name) === MTAB.target;
  if (looks?.isDirectory() !== true) return looks?.isFile() === true && looks.size === 0;
  const dir = parent.child(name);
  try {
    // fuse-overlayfs writes whiteouts into every directory it makes.
    return dir.names().every((inner) => inner.startsWith(".wh.") || bare.has(`${path}/${inner}`));
  } finally {
    dir.close();
  }
}

function isThere(libc: Libc, lower: readonly string[], path: string): boolean {
  const parts = path.slice(1).split("/");
  const views = [LowerView.open(libc, lower)];
  for (const part of parts.slice(0, -1)) views.push((views.at(-1) as LowerView).child(part));
  const found = (views.at(-1) as LowerView).get(parts.at(-1) as string) !== undefined;
  for (const view of views) view.close();
  return found;
}

/** The changes are found first; then the tree is gone through again for what they name. */
function differenceOptions(
  libc: Libc,
  upper: string,
  { lower, mountPoints }: LayerPart,
): Omit<EmitOptions, "libc"> {
  const changes = treeChanges(libc, { upper, lower, whole: true, ignore: mountPoints });
  const removed = new Map<string, string[]>();
  const kept = new Set<string>();
  for (const { kind, path } of changes) {
    const slash = path.lastIndexOf("/");
    const parent = path.slice(1, Math.max(slash, 1));
    if (kind !== "D") kept.add(path.slice(1));
    else removed.set(parent, [...(removed.get(parent) ?? []), path.slice(slash + 1)]);
    for (let at = parent; at !== ""; at = at.slice(0, Math.max(at.lastIndexOf("/"), 0))) kept.add(at);
  }
  return { skip: (name) => !kept.has(name), removed: (path) => removed.get(path) ?? [] };
}
