/** Whiteouts as layers spell them: a file whose name says what of the layers below is gone. */

const PREFIX = ".wh.";
const META_PREFIX = ".wh..wh.";

export type EntryMeaning =
  | { readonly kind: "plain" }
  /** `name` of the layers below is removed. */
  | { readonly kind: "whiteout"; readonly name: string }
  /** Nothing of the layers below is seen in the directory. */
  | { readonly kind: "opaque" }
  /** Bookkeeping of aufs: skipped by everybody. */
  | { readonly kind: "ignored" }
  /** A whiteout of nothing, of `.` or of `..`: no honest tool writes one. */
  | { readonly kind: "invalid" };

const PLAIN: EntryMeaning = { kind: "plain" };

/** What the last component of an entry's path means. */
export function entryMeaning(basename: string): EntryMeaning {
  if (!basename.startsWith(PREFIX)) return PLAIN;
  if (basename === ".wh..wh..opq") return { kind: "opaque" };
  if (basename.startsWith(META_PREFIX)) return { kind: "ignored" };
  const name = basename.slice(PREFIX.length);
  return name === "" || name === "." || name === ".." ? { kind: "invalid" } : { kind: "whiteout", name };
}

/** The name of the entry that removes `name`. */
export function whiteoutName(name: string): string {
  return PREFIX + name;
}

export const OPAQUE_MARKER = ".wh..wh..opq";
