/** Which extended attributes of an archive a layer may have. */

/**
 * Overlay and fuse-overlayfs would obey attributes of these names: a layer could hide or redirect
 * other layers' files with them. They are dropped wherever they come from.
 */
const OBEYED = ["user.overlay.", "user.fuseoverlayfs.", "user.containers.", "trusted."];

/** `security.capability` and the user's own; labels and ACLs of another machine mean nothing here. */
export function isAllowedXattr(name: string): boolean {
  if (name.length > 255 || name.includes("\0")) return false;
  if (OBEYED.some((prefix) => name.startsWith(prefix))) return false;
  return name === "security.capability" || name.startsWith("user.");
}

export const OPAQUE_XATTR = "user.overlay.opaque";
