/** How overlay and fuse-overlayfs note in a container's own layer what of the image is removed. */
import type { Stats } from "node:fs";
import type { Libc } from "../../host/index.ts";
import { OPAQUE_MARKER } from "../../oci/index.ts";
import { OPAQUE_XATTR } from "../xattrs.ts";
import type { Directory } from "./directory.ts";

const FUSE_OPAQUE_XATTR = "user.fuseoverlayfs.opaque";
/** The opaque marker is one, and aufs' other words mean nothing. */
const META_PREFIX = ".wh..wh.";
/** fuse-overlayfs makes it beside the marker. */
const FUSE_OPAQUE = ".wh..opq";

/** A character device 0:0. */
export function isWhiteout(looks: Stats): boolean {
  return looks.isCharacterDevice() && looks.rdev === 0;
}

/** fuse-overlayfs writes the archive's form where it may make no devices; the name `.wh.` itself hides nothing. */
export function isWhiteoutFile(name: string): boolean {
  return name.startsWith(".wh.") && name.length > 4;
}

/** What such a file removes; undefined: it says something about its directory. */
export function removedBy(name: string): string | undefined {
  if (name.startsWith(META_PREFIX) || name === FUSE_OPAQUE) return undefined;
  return name.slice(".wh.".length);
}

/** Nothing of the layers below is seen in the directory. */
export function isOpaqueDirectory(libc: Libc, path: string | Buffer, dir: Directory): boolean {
  return isMarkedOpaque(libc, path) || dir.stat(OPAQUE_MARKER) !== undefined;
}

/** The same by its attributes alone. */
export function isMarkedOpaque(libc: Libc, path: string | Buffer): boolean {
  return [OPAQUE_XATTR, FUSE_OPAQUE_XATTR].some((name) => libc.lgetxattr(path, name)?.toString() === "y");
}
