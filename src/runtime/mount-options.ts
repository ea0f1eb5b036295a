/** The option words of a mount, sorted into what the kernel's calls take. */
import { ATTR, ATTR_ATIME, MS } from "./kernel.ts";

export interface ParsedOptions {
  /** Attributes to set and, for a bind, to clear first. */
  readonly set: bigint;
  readonly clear: bigint;
  /** One propagation type, or 0. */
  readonly propagation: bigint;
  readonly recursive: boolean;
  /** Everything else, for the filesystem itself. */
  readonly data: readonly string[];
}

const SET: Readonly<Record<string, bigint>> = {
  ro: ATTR.RDONLY,
  rro: ATTR.RDONLY,
  nosuid: ATTR.NOSUID,
  nodev: ATTR.NODEV,
  noexec: ATTR.NOEXEC,
  nodiratime: ATTR.NODIRATIME,
  nosymfollow: ATTR.NOSYMFOLLOW,
};
const ATIME: Readonly<Record<string, bigint>> = {
  noatime: ATTR.NOATIME,
  strictatime: ATTR.STRICTATIME,
  relatime: 0n,
};
const PROPAGATION: Readonly<Record<string, bigint>> = {
  private: MS.PRIVATE,
  rprivate: MS.PRIVATE,
  slave: MS.SLAVE,
  rslave: MS.SLAVE,
  shared: MS.SHARED,
  rshared: MS.SHARED,
  unbindable: MS.UNBINDABLE,
  runbindable: MS.UNBINDABLE,
};
/** The kernel's own defaults, and `bind`, which says only that the mount is one. */
const NOTHING = new Set([
  "tmpcopyup",
  "U",
  "rw",
  "suid",
  "dev",
  "exec",
  "diratime",
  "bind",
  "rbind",
  "defaults",
]);

/** Later words win where two contradict each other. */
export function parseMountOptions(options: readonly string[]): ParsedOptions {
  let set = 0n;
  let clear = 0n;
  let propagation = 0n;
  const data: string[] = [];
  for (const word of options) {
    if (word in SET) set |= SET[word]!;
    else if (word in ATIME) {
      clear |= ATTR_ATIME;
      set = (set & ~ATTR_ATIME) | ATIME[word]!;
    } else if (word in PROPAGATION) propagation = PROPAGATION[word]!;
    else if (!NOTHING.has(word)) data.push(word);
  }
  return { set, clear, propagation, recursive: !options.includes("bind"), data };
}
