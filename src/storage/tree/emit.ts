/** A tree on disk as the entries of an archive, in a fixed order. */
import { closeSync, fstatSync, readSync, type Stats } from "node:fs";
import { errnoCode, StorageError } from "../../base/index.ts";
import { errnoText, type Libc } from "../../host/index.ts";
import { OPAQUE_MARKER, whiteoutName } from "../../oci/index.ts";
import type { Owners } from "../copy-job.ts";
import { printable } from "../tar/header.ts";
import type { EntryType, TarEntry, TarHandler } from "../tar/parser.ts";
import { isAllowedXattr } from "../xattrs.ts";
import type { Directory } from "./directory.ts";
import { LowerView } from "./lower-view.ts";
import { asContainer } from "./owners.ts";
import { isOpaqueDirectory, isWhiteout, isWhiteoutFile, removedBy } from "./whiteouts.ts";

export interface EmitOptions {
  readonly libc: Libc;
  /** The tree is overlay's own layer of a container: what it says is removed becomes whiteouts. */
  readonly layer?: boolean;
  /**
   * Directories of the layers below, topmost first. Then the same changes are told in the same way whatever driver noted
   * them: whiteouts of what is there below, and no opaque directories.
   */
  readonly lower?: readonly string[];
  /** What is left out, by its path from the root of the tree. */
  readonly skip?: (path: string, looks: Stats) => boolean;
  /** Names that are gone from the directory at that path: they become whiteouts. */
  readonly removed?: (path: string) => readonly string[];
  /** The ids of the container whose files these are: entries have them as it sees them. */
  readonly owners?: Owners | undefined;
  /** What may not be read is left out: a container's terminal, for one, belongs to the host. */
  readonly skipDenied?: boolean;
}

const CHUNK = 256 << 10;

const GONE = new Set(["ENOENT", "ELOOP", "ENOTDIR", "ENXIO"]);
const DENIED = new Set(["EACCES", "EPERM"]);

interface Place {
  /** In the archive. */
  readonly name: string;
  /** From the root of the tree. */
  readonly path: string;
  /** What the layers below have in the directory it lies in (or that it is). */
  readonly below: LowerView | undefined;
  /** The directory it lies in replaces what the layers below have there. */
  readonly opaque: boolean;
}

interface Listed {
  readonly base: string;
  /** From the root of the tree. */
  readonly path: string;
  readonly looks: Stats | undefined;
}

/** Emits what lies in one tree. Hard links are known across all calls of one emitter. */
export class TreeEmitter {
  readonly #handler: TarHandler;
  readonly #options: EmitOptions;
  /** First names of files with several, by device and inode. */
  readonly #linked = new Map<string, string>();
  readonly #buffer = Buffer.allocUnsafe(CHUNK);

  constructor(handler: TarHandler, options: EmitOptions) {
    this.#handler = handler;
    this.#options = options;
  }

  /** The directory itself under `name` (with `""`: only what is in it), then everything beneath. */
  directory(dir: Directory, name: string): void {
    const looks = fstatSync(dir.fd);
    if (name !== "") this.#plain("directory", `${name}/`, looks, dir.self);
    const { libc, lower } = this.#options;
    const below = lower === undefined ? undefined : LowerView.open(libc, lower);
    try {
      this.#children(dir, {
        name: name === "." || name === "" ? "" : `${name}/`,
        path: "",
        below,
        opaque: false,
      });
    } finally {
      below?.close();
    }
  }

  /** One object of `dir` as `name`. */
  object(dir: Directory, base: string, name: string): void {
    const looks = dir.stat(base);
    if (looks === undefined) return;
    this.#one(dir, base, looks, { name, path: base, below: undefined, opaque: false });
  }

  /** What is gone comes first. @param at its name ends with a slash */
  #children(dir: Directory, at: Place): void {
    const isRemoval = (base: string, looks: Stats) =>
      this.#options.layer === true && (isWhiteout(looks) || isWhiteoutFile(base));
    const found = this.#entries(dir, at.path);
    const removals = found
      .filter(({ base, looks }) => looks !== undefined && isRemoval(base, looks))
      .map(({ base }) => base);
    const opaque = this.#isOpaque(dir, at);
    for (const marker of this.#gone(dir, at, { removals, opaque })) this.#marker(at.name + marker);
    for (const { base, looks, path } of found) {
      const place = { name: at.name + base, path, below: at.below, opaque };
      if (looks === undefined) this.#file(dir, base, place.name);
      else if (!isRemoval(base, looks) && this.#options.skip?.(path, looks) !== true)
        this.#one(dir, base, looks, place);
    }
  }

  /** What opening a file tells is not asked for before: a file has no looks here where nobody needs them to choose. */
  #entries(dir: Directory, at: string): Listed[] {
    const { layer, skip } = this.#options;
    return dir.entries().flatMap(({ name: base, isFile }): Listed[] => {
      const path = at === "" ? base : `${at}/${base}`;
      if (isFile && layer !== true && skip === undefined) return [{ base, path, looks: undefined }];
      const looks = dir.stat(base);
      return looks === undefined ? [] : [{ base, path, looks }];
    });
  }

  /** Nothing of the layers below is seen in it; what lies in such a directory is so as well. */
  #isOpaque(dir: Directory, { below, opaque }: Place): boolean {
    const { layer, libc } = this.#options;
    if (layer !== true || below?.isEmpty === true) return false;
    return (opaque && below !== undefined) || isOpaqueDirectory(libc, dir.self, dir);
  }

  /** Names of the entries that remove something. */
  #gone(
    dir: Directory,
    { path, below }: Place,
    { removals, opaque }: { readonly removals: readonly string[]; readonly opaque: boolean },
  ): string[] {
    const said = [
      ...(this.#options.removed?.(path) ?? []),
      ...removals.flatMap((base) => {
        return (isWhiteoutFile(base) ? removedBy(base) : base) ?? [];
      }),
    ];
    if (below === undefined) return [...(opaque ? [OPAQUE_MARKER] : []), ...said.map(whiteoutName)];
    const hidden = opaque ? below.names().filter((base) => dir.stat(base) === undefined) : [];
    const real = said.filter((base) => below.get(base) !== undefined);
    return [...new Set([...real, ...hidden])].sort().map(whiteoutName);
  }

  #one(dir: Directory, base: string, looks: Stats, place: Place): void {
    if (looks.isDirectory()) this.#subdirectory(dir, base, place);
    else if (!looks.isSocket()) this.#leaf(dir, base, looks, place.name);
  }

  #leaf(dir: Directory, base: string, looks: Stats, name: string): void {
    if (looks.isFile()) this.#file(dir, base, name);
    else if (this.#isSecondName(looks, name)) return;
    else if (looks.isSymbolicLink()) {
      const linkName = this.#attempt(name, () => dir.readlink(base));
      if (linkName !== undefined) this.#whole({ ...this.#entry("symlink", name, looks), linkName });
    } else {
      const type = looks.isFIFO() ? "fifo" : looks.isBlockDevice() ? "block" : "char";
      this.#whole({ ...this.#entry(type, name, looks), ...deviceNumbers(looks) });
    }
  }

  #subdirectory(dir: Directory, base: string, { name, path, below, opaque }: Place): void {
    const child = this.#attempt(name, () => dir.child(base));
    if (child === undefined) return;
    const view = below?.child(base);
    try {
      const looks = fstatSync(child.fd);
      this.#plain("directory", `${name}/`, looks, child.self);
      this.#children(child, { name: `${name}/`, path, below: view, opaque });
    } finally {
      view?.close();
      child.close();
    }
  }

  #isSecondName(looks: Stats, name: string): boolean {
    if (looks.nlink < 2) return false;
    const key = `${looks.dev}:${looks.ino}`;
    const first = this.#linked.get(key);
    if (first === undefined) {
      this.#linked.set(key, name);
      return false;
    }
    this.#whole({ ...this.#entry("hardlink", name, looks), linkName: first });
    return true;
  }

  /** What is written is as long as was promised, whatever happens to the file meanwhile. */
  #file(dir: Directory, base: string, name: string): void {
    const fd = this.#attempt(name, () => dir.openFile(base));
    if (fd === undefined) return;
    try {
      const looks = fstatSync(fd);
      if (!looks.isFile() || this.#isSecondName(looks, name)) return;
      const xattrs = this.#xattrs(dir.path(base), fd);
      this.#handler.entry({ ...this.#entry("file", name, looks), size: looks.size, xattrs });
      for (let at = 0; at < looks.size; ) {
        const got = readSync(fd, this.#buffer, 0, Math.min(CHUNK, looks.size - at), at);
        const piece = this.#buffer.subarray(0, got > 0 ? got : Math.min(CHUNK, looks.size - at));
        if (got === 0) piece.fill(0);
        this.#handler.data(piece);
        at += piece.length;
      }
      this.#handler.endEntry();
    } finally {
      closeSync(fd);
    }
  }

  #plain(type: EntryType, name: string, looks: Stats, path: string | Buffer): void {
    this.#whole({ ...this.#entry(type, name, looks), xattrs: this.#xattrs(path) });
  }

  #marker(name: string): void {
    const nobody = { mode: 0o600, uid: 0, gid: 0, size: 0, mtime: 0, devMajor: 0, devMinor: 0 };
    this.#whole({ name, type: "file", linkName: "", ...nobody, xattrs: [] });
  }

  #entry(type: EntryType, name: string, looks: Stats): TarEntry {
    const { uid, gid } = asContainer(looks, this.#options.owners);
    return {
      name,
      type,
      linkName: "",
      mode: looks.mode & 0o7777,
      uid,
      gid,
      size: 0,
      mtime: Math.floor(looks.mtimeMs / 1000),
      devMajor: 0,
      devMinor: 0,
      xattrs: [],
    };
  }

  #whole(entry: TarEntry): void {
    this.#handler.entry(entry);
    this.#handler.endEntry();
  }

  /** @param fd of it, where it is open: asking that is cheaper, and most have none */
  #xattrs(path: string | Buffer, fd?: number): (readonly [string, Buffer])[] {
    const { libc } = this.#options;
    const names = fd === undefined ? libc.llistxattr(path) : libc.flistxattr(fd);
    if (names.length === 0) return [];
    return names
      .filter(isAllowedXattr)
      .sort()
      .flatMap((name) => {
        const value = libc.lgetxattr(path, name);
        return value === undefined ? [] : [[name, value] as const];
      });
  }

  /** Undefined for what is gone, or has become something else, since it was listed. */
  #attempt<T>(name: string, action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      const code = errnoCode(error);
      if (GONE.has(code ?? "") || (this.#options.skipDenied === true && DENIED.has(code ?? "")))
        return undefined;
      throw new StorageError("read-failed", `cannot read ${printable(name)}: ${errnoText(code) ?? code}`, {
        cause: error,
      });
    }
  }
}

function deviceNumbers(looks: Stats): { devMajor: number; devMinor: number } {
  const device = BigInt(looks.rdev);
  return {
    devMajor: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)),
    devMinor: Number((device & 0xffn) | ((device >> 12n) & ~0xffn)),
  };
}
