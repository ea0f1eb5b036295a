/** What a tree changes of the layers below it: the list behind `diff`. */
import { fstatSync, type Stats } from "node:fs";
import type { Libc } from "../../host/index.ts";
import { Directory } from "./directory.ts";
import { MTAB } from "./layer-part.ts";
import { type LowerEntry, LowerView, looksAlike } from "./lower-view.ts";
import { isOpaqueDirectory, isWhiteout, isWhiteoutFile } from "./whiteouts.ts";

export type ChangeKind = "A" | "C" | "D";

export interface TreeChange {
  readonly kind: ChangeKind;
  /** Absolute, a byte string (latin1). */
  readonly path: string;
}

export interface ChangesInput {
  /** Overlay's own layer of a container, or a layer of an image; with `whole`, all files there are. */
  readonly upper: string;
  /** Topmost first. */
  readonly lower: readonly string[];
  /** `upper` is a complete root filesystem: what is missing there is removed, and what looks alike is the same. */
  readonly whole: boolean;
  /** Absolute paths that do not count as new where the layers below lack them; nor do the looks of directories among them. */
  readonly ignore: readonly string[];
}

/** In the order of the paths. */
export function treeChanges(libc: Libc, input: ChangesInput): TreeChange[] {
  const lister = new ChangeLister(libc, input);
  const upper = Directory.open(input.upper);
  const lower = LowerView.open(libc, input.lower);
  try {
    lister.directory(upper, lower, "");
  } finally {
    upper.close();
    lower.close();
  }
  return lister.changes;
}

interface Subdirectory {
  readonly name: string;
  readonly path: string;
  readonly before: Stats | undefined;
  readonly ignored: boolean;
}

class ChangeLister {
  readonly changes: TreeChange[] = [];
  readonly #libc: Libc;
  readonly #whole: boolean;
  readonly #ignore: ReadonlySet<string>;

  constructor(libc: Libc, input: ChangesInput) {
    this.#libc = libc;
    this.#whole = input.whole;
    this.#ignore = new Set(input.ignore);
  }

  /** True if something in it was passed over on purpose: then its own time says nothing. */
  directory(upper: Directory, lower: LowerView, path: string): boolean {
    const there = new Set(upper.names());
    const hides = this.#whole || isOpaqueDirectory(this.#libc, upper.self, upper);
    const hidden = hides ? lower.names().filter((name) => !there.has(name)) : [];
    let ignored = false;
    for (const name of [...there, ...hidden].sort()) {
      const inner = `${path}/${name}`;
      if (!there.has(name)) this.#removed(lower, inner);
      else ignored = this.#one(upper, lower, name, inner) || ignored;
    }
    return ignored;
  }

  #one(upper: Directory, lower: LowerView, name: string, path: string): boolean {
    const looks = upper.stat(name);
    if (looks === undefined) return false;
    if (!this.#whole && (isWhiteout(looks) || isWhiteoutFile(name))) {
      this.#removed(lower, isWhiteout(looks) ? path : path.replace(/\.wh\.([^/]*)$/, "$1"));
      return false;
    }
    const before = lower.get(name);
    const ignored = this.#ignore.has(path) && (before === undefined || before.looks.isDirectory());
    if (looks.isDirectory()) this.#subdirectory(upper, lower, { name, path, before: before?.looks, ignored });
    else if (before === undefined) {
      if (!ignored) this.#add("A", path);
    } else if (!ignored && !this.#isSame(upper, name, looks, before)) this.#add("C", path);
    return ignored;
  }

  /** Whatever overlay has copied up has been written to; a whole tree has to be compared. */
  #isSame(upper: Directory, name: string, looks: Stats, before: LowerEntry): boolean {
    if (!this.#whole || !looksAlike(looks, before.looks)) return false;
    return !looks.isSymbolicLink() || upper.readlink(name) === before.target;
  }

  #removed(lower: LowerView, path: string): void {
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (lower.get(name) !== undefined && !this.#isMade(lower, name, path)) this.#add("D", path);
  }

  /** What a start made to mount on is empty; what it made to show mounts is a link to them. */
  #isMade(lower: LowerView, name: string, path: string): boolean {
    const found = lower.get(name);
    if (found === undefined || !this.#ignore.has(path)) return false;
    return found.looks.isDirectory() || found.looks.size === 0 || found.target === MTAB.target;
  }

  /** Its own line comes before those of what is in it. */
  #subdirectory(upper: Directory, lower: LowerView, { name, path, before, ignored }: Subdirectory): void {
    const wasDirectory = before?.isDirectory() === true;
    const child = upper.child(name);
    const below = wasDirectory ? lower.child(name) : LowerView.empty(this.#libc);
    try {
      const at = this.changes.length;
      const timeless = this.directory(child, below, path);
      const looks = fstatSync(child.fd);
      const alike = timeless ? sameButTime : looksAlike;
      const same = ignored || (wasDirectory && alike(looks, before as Stats));
      if (this.changes.length > at || !same)
        this.changes.splice(at, 0, { kind: before === undefined ? "A" : "C", path });
    } finally {
      child.close();
      below.close();
    }
  }

  #add(kind: ChangeKind, path: string): void {
    this.changes.push({ kind, path });
  }
}

function sameButTime(a: Stats, b: Stats): boolean {
  return a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
}
