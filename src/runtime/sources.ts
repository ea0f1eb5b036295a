/** The host's side of a specification's mounts: what must be there, and what kind of thing it is. */
import { accessSync, constants, type Dirent, existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { errnoCode, UsageError } from "../base/index.ts";
import { errnoText } from "../host/index.ts";
import type { RuntimeSpec, SpecMount } from "../oci/index.ts";

/**
 * Looks at every bind source once.
 *
 * @returns those that are not directories, for `LowerInput.fileSources`
 * @throws {UsageError} with podman's words for one that is missing or cannot be reached
 */
export function bindSources(spec: RuntimeSpec): ReadonlySet<string> {
  const files = new Set<string>();
  for (const mount of spec.mounts) {
    if (mount.type === "bind" && !isDirectory(join(mount.source, subpathOf(mount) ?? "")))
      files.add(sourceKey(mount));
    if (mount.type === "overlay" && isFileOf(mount)) files.add(sourceKey(mount));
  }
  return files;
}

/** What is mounted: the source, or a path beneath it. */
export function sourceKey(mount: SpecMount): string {
  const subpath = subpathOf(mount);
  return subpath === undefined ? mount.source : `${mount.source}//${subpath}`;
}

/** The path beneath a mount's source, resolved there and nowhere else; undefined: the whole. */
export function subpathOf({ options }: SpecMount): string | undefined {
  return options.find((option) => option.startsWith("subpath="))?.slice("subpath=".length);
}

/** The directories below an overlay, topmost first, and those that only hold content of files. */
export function lowerDirectories({ options }: SpecMount): { lower: string[]; data: string[] } {
  const list = options.find((option) => option.startsWith("lowerdir="))?.slice("lowerdir=".length) ?? "";
  const [lower = "", ...data] = list.split("::");
  const plain = (path: string) => path.replaceAll("\\:", ":");
  return { lower: lower.split(/(?<!\\):/).map(plain), data: data.map(plain) };
}

/** Whether the topmost layer that has the path has a file there; a missing path is told by who mounts it. */
function isFileOf(mount: SpecMount): boolean {
  const subpath = subpathOf(mount);
  const directories = lowerDirectories(mount).lower;
  if (subpath === undefined) {
    for (const path of directories) isDirectory(path);
    return false;
  }
  const found = directories.find((path) => existsSync(join(path, subpath)));
  return found !== undefined && !isDirectory(join(found, subpath));
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    const reason = errnoText(errnoCode(cause)) ?? (cause as Error).message;
    throw new UsageError("missing-source", `statfs ${path}: ${reason}`, {
      cause,
      hint: "a bind mount needs an existing file or directory on this machine; make it first",
    });
  }
}

/** Of /dev these are the container's own in any case. */
const OWN_PLACES = new Set(["pts", "shm", "mqueue", "fd", "console", "ptmx"]);
const MAX_DEVICES = 512;

/**
 * Nodes of the host's /dev that the user may open, for --privileged. Virtual consoles are left out: what is
 * typed there is not the container's.
 */
export function hostDevices(dir = "/dev"): string[] {
  const devices: string[] = [];
  const pending = [dir];
  while (pending.length > 0 && devices.length < MAX_DEVICES) {
    const parent = pending.shift()!;
    const found = entries(parent).filter(({ name }) => parent !== dir || !isOwnPlace(name));
    const path = (entry: Dirent) => `${parent}/${entry.name}`;
    pending.push(...found.filter((entry) => entry.isDirectory()).map(path));
    const nodes = found.filter((entry) => entry.isCharacterDevice() || entry.isBlockDevice()).map(path);
    devices.push(...nodes.filter(mayOpen));
  }
  return devices;
}

function isOwnPlace(name: string): boolean {
  return OWN_PLACES.has(name) || /^tty\d+$/.test(name);
}

function entries(dir: string): Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch {
    return []; // a directory for somebody else
  }
}

function mayOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** Directories beneath the container's own that must be made (0700) before a start with `:O` mounts. */
export function overlayVolumeDirs(spec: RuntimeSpec, containerDir: string): string[] {
  const dirs: string[] = [];
  for (const mount of spec.mounts) {
    if (mount.type !== "overlay") continue;
    const layers = mount.options.filter((option) => /^(upper|work)dir=/.test(option));
    for (const dir of [mount.source, ...layers.map((option) => option.slice(option.indexOf("=") + 1))]) {
      if (dir.startsWith(`${containerDir}/`)) dirs.push(dir);
    }
  }
  return dirs;
}
