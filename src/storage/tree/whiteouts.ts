/** How overlay and fuse-overlayfs note in a container's own layer what of the image is removed. */
import type { Stats } from "node:fs";
import type { Libc } from "../../host/index.ts";
import { OPAQUE_MARKER } from "../../oci/index.ts";
import { OPAQUE_XATTR } from "../xattrs.ts";
import type { Directory } from "./directory.ts";

const FUSE_OPAQUE_XATTR = "user.fuseoverlayfs.opaque";

/** A character device 0:0. */
export function isWhiteout(looks: Stats): boolean {
  return looks.isCharacterDevice() && looks.rdev === 0;
}

/** fuse-overlayfs writes the archive's form where it may make no devices; the name `.wh.` itself hides nothing. */
export function isWhiteoutFile(name: string): boolean {
  return name.startsWith(".wh.") && name.length > 4;
}

/** Nothing of the layers below is seen in the directory. */
export function isOpaqueDirectory(libc: Libc, path: string | Buffer, dir: Directory): boolean {
  return (
    libc.lgetxattr(path, OPAQUE_XATTR)?.toString() === "y" ||
    libc.lgetxattr(path, FUSE_OPAQUE_XATTR)?.toString() === "y" ||
    dir.stat(OPAQUE_MARKER) !== undefined
  );
}
