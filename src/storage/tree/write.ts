/** Entries of an archive, or of another tree, written beneath a directory of a container or of the host. */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { ConflictError, errnoCode, StorageError } from "../../base/index.ts";
import { errnoText, type Libc } from "../../host/index.ts";
import type { Owners } from "../copy-job.ts";
import { entryComponents } from "../entry-path.ts";
import { archiveError, printable } from "../tar/header.ts";
import type { TarEntry, TarHandler } from "../tar/parser.ts";
import { isAllowedXattr } from "../xattrs.ts";
import { asBase, type Owner } from "./owners.ts";
import { removeBeneath } from "./remove.ts";
import type { Place, Resolved, RootTree } from "./root.ts";

export interface WriteOptions {
  readonly libc: Libc;
  /** Everything gets this owner. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** The ids of the container that is written to. */
  readonly owners?: Owners | undefined;
  /** A directory may be replaced by a file, and a file by a directory. */
  readonly overwrite: boolean;
  /** Links of the tree that stand in the place of directories are followed, beneath its root. */
  readonly followParents: boolean;
  /** Permission bits that are never given. */
  readonly maskMode: number;
}

interface Spot {
  readonly dir: Place["dir"];
  readonly name: string;
}

interface OpenFile {
  readonly fd: number;
  readonly entry: TarEntry;
  readonly place: Place;
  readonly name: string;
}

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const IN_PLACE = constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const S_IFIFO = 0o010000;
const NO_XATTR = new Set(["EOPNOTSUPP", "ENOTSUP", "EPERM", "EINVAL"]);

/** Existing directories keep their owner, mode and time; existing files are replaced, not written into. */
export class TreeWriter implements TarHandler {
  readonly #tree: RootTree;
  readonly #target: Place;
  readonly #options: WriteOptions;
  /** The directories of the last entry, from the target down. */
  #stack: { name: string; place: Place }[] = [];
  readonly #times: { path: readonly string[]; mtime: number; mode: number }[] = [];
  #file: OpenFile | undefined;
  /** Entries seen so far. */
  entries = 0;

  constructor(tree: RootTree, target: Place, options: WriteOptions) {
    this.#tree = tree;
    this.#target = target;
    this.#options = options;
  }

  entry(entry: TarEntry): void {
    const parts = entryComponents(entry.name.replace(/^\/+/, "") || ".", entry.name);
    this.entries++;
    const name = parts.at(-1);
    if (name === undefined) return;
    this.#attempt(parts, () => {
      if (entry.type === "directory") this.#directory(parts, entry);
      else this.#object(this.#directoryOf(parts.slice(0, -1)), name, entry);
    });
  }

  data(chunk: Buffer): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#attempt([file.name], () => {
      for (let at = 0; at < chunk.length; ) at += writeSync(file.fd, chunk, at);
    });
  }

  endEntry(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    const { fd, entry, place, name } = file;
    try {
      const { uid, gid } = this.#owner(entry);
      fchownSync(fd, uid, gid);
      fchmodSync(fd, this.#mode(entry));
      this.#xattrs(place.dir.path(name), entry);
      futimesSync(fd, entry.mtime, entry.mtime);
    } catch (error) {
      throw this.#explain(error, `${place.path}/${name}`);
    } finally {
      closeSync(fd);
    }
  }

  /** Modes and times of new directories come last: writing into one needs the one and changes the other. */
  finish(): void {
    for (const { path, mtime, mode } of this.#times.reverse()) {
      this.#attempt(path, () => {
        const { dir } = this.#directoryOf(path);
        chmodSync(dir.self, mode);
        futimesSync(dir.fd, mtime, mtime);
      });
    }
  }

  /** Closes what a failure left open. */
  abort(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
    this.#file = undefined;
  }

  #directory(parts: readonly string[], entry: TarEntry): void {
    const parent = this.#directoryOf(parts.slice(0, -1));
    const name = parts.at(-1) as string;
    const found = this.#follow(parent, name);
    if (found.kind === "directory") {
      this.#tree.release(found.dir);
      return;
    }
    if (found.kind === "object") this.#makeRoom(parent, name, found.path, true);
    this.#refuseReadOnly(found.path);
    const path = parent.dir.path(name);
    mkdirSync(path, 0o700);
    const { uid, gid } = this.#owner(entry);
    lchownSync(path, uid, gid);
    this.#xattrs(path, entry);
    this.#times.push({ path: parts, mtime: entry.mtime, mode: this.#mode(entry) });
  }

  #object(parent: Place, name: string, entry: TarEntry): void {
    if (entry.type === "file" && this.#newFile(parent, name, entry)) return;
    const found = this.#tree.step(parent, name);
    this.#refuseReadOnly(found.path);
    if (found.kind === "directory") {
      this.#tree.release(found.dir);
      this.#makeRoom(parent, name, found.path, false);
    }
    const at = found.kind === "directory" ? { dir: parent.dir, name } : found;
    const inPlace = found.kind === "object" && found.mounted;
    if (entry.type === "file") {
      const fd = inPlace ? openSync(at.dir.path(at.name), IN_PLACE) : this.#create(at);
      this.#file = { fd, entry, place: { ...parent, dir: at.dir }, name: at.name };
      return;
    }
    if (inPlace) throw Object.assign(new Error("EBUSY"), { code: "EBUSY" });
    this.#special(at, entry);
  }

  /** Nearly always nothing is there yet: then nobody needs to look for what it might be. */
  #newFile(parent: Place, name: string, entry: TarEntry): boolean {
    const path = parent.path === "/" ? `/${name}` : `${parent.path}/${name}`;
    if (this.#tree.isMounted(path)) return false;
    this.#refuseReadOnly(path);
    try {
      const fd = openSync(parent.dir.path(name), CREATE, 0o600);
      this.#file = { fd, entry, place: parent, name };
      return true;
    } catch (error) {
      if (errnoCode(error) === "EEXIST") return false;
      throw error;
    }
  }

  /** A file that something is mounted on cannot be replaced, only written into. */
  #create({ dir, name }: Spot): number {
    try {
      removeBeneath(dir, name);
    } catch (error) {
      if (errnoCode(error) !== "EBUSY") throw error;
      return openSync(dir.path(name), IN_PLACE);
    }
    return openSync(dir.path(name), CREATE, 0o600);
  }

  /** What has no content. A user namespace may make no devices; whoever needs one has it from the runtime. */
  #special({ dir, name }: Spot, entry: TarEntry): void {
    const path = dir.path(name);
    if (entry.type === "hardlink") {
      const target = this.#linkTarget(entry);
      removeBeneath(dir, name);
      linkSync(target, path);
    } else if (entry.type === "symlink") {
      removeBeneath(dir, name);
      symlinkSync(Buffer.from(entry.linkName, "latin1"), path);
      this.#looks(path, entry);
    } else if (entry.type === "fifo") {
      removeBeneath(dir, name);
      this.#options.libc.mknod(path, S_IFIFO | 0o600, 0, 0);
      this.#looks(path, entry);
      chmodSync(path, this.#mode(entry));
    }
  }

  #linkTarget(entry: TarEntry): string | Buffer {
    const parts = entryComponents(entry.linkName.replace(/^\/+/, ""), entry.name);
    const name = parts.at(-1);
    if (name === undefined) throw archiveError("its link target is no file", entry.name);
    return this.#directoryOf(parts.slice(0, -1)).dir.path(name);
  }

  #makeRoom(parent: Place, name: string, path: string, forDirectory: boolean): void {
    const reason = forDirectory ? "it is not a directory" : "it is a directory";
    if (!this.#options.overwrite || this.#tree.isMounted(path)) {
      throw new ConflictError(
        "copy-type-differs",
        `cannot copy: error creating ${printable(path)}: ${reason}: file exists`,
        { hint: "--overwrite replaces directories by files and files by directories" },
      );
    }
    removeBeneath(parent.dir, name);
    this.#forget();
  }

  #refuseReadOnly(path: string): void {
    if (this.#tree.isReadOnly(path)) throw Object.assign(new Error("EROFS"), { code: "EROFS" });
  }

  /** The directory of that name below the target; what is missing of it is made. */
  #directoryOf(parts: readonly string[]): Place {
    let depth = 0;
    while (depth < parts.length && this.#stack[depth]?.name === parts[depth]) depth++;
    for (const { place } of this.#stack.splice(depth))
      if (place.dir !== this.#target.dir) this.#tree.release(place.dir);
    for (const name of parts.slice(depth)) {
      const parent = this.#stack.at(-1)?.place ?? this.#target;
      let next = this.#follow(parent, name);
      if (next.kind === "missing") {
        this.#refuseReadOnly(next.path);
        mkdirSync(parent.dir.path(name), 0o755);
        const { uid, gid } = this.#owner({ uid: 0, gid: 0 });
        lchownSync(parent.dir.path(name), uid, gid);
        next = this.#tree.step(parent, name);
      }
      if (next.kind !== "directory") {
        this.#makeRoom(parent, name, next.path, true);
        mkdirSync(parent.dir.path(name), 0o755);
        next = this.#tree.step(parent, name);
      }
      if (next.kind !== "directory") throw Object.assign(new Error("ENOTDIR"), { code: "ENOTDIR" });
      this.#stack.push({ name, place: next });
    }
    return this.#stack.at(-1)?.place ?? this.#target;
  }

  /** A link to a directory counts as one where links may be followed. */
  #follow(parent: Place, name: string): Resolved {
    const found = this.#tree.step(parent, name);
    if (found.kind !== "object" || !found.looks.isSymbolicLink() || !this.#options.followParents)
      return found;
    try {
      const target = this.#tree.resolve(found.path);
      return target.kind === "directory" ? target : found;
    } catch {
      return found;
    }
  }

  #forget(): void {
    for (const { place } of this.#stack.splice(0)) this.#tree.release(place.dir);
  }

  #looks(path: string | Buffer, entry: TarEntry): void {
    const { uid, gid } = this.#owner(entry);
    lchownSync(path, uid, gid);
    lutimesSync(path, entry.mtime, entry.mtime);
  }

  #owner(own: Owner): Owner {
    return asBase(this.#options.owner ?? own, this.#options.owners);
  }

  #mode(entry: TarEntry): number {
    return entry.mode & ~this.#options.maskMode;
  }

  /** Where it is not possible the file is worth more than its attribute. */
  #xattrs(path: string | Buffer, entry: TarEntry): void {
    for (const [key, value] of entry.xattrs) {
      if (!isAllowedXattr(key)) continue;
      try {
        this.#options.libc.lsetxattr(path, key, value);
      } catch (error) {
        if (!NO_XATTR.has(errnoCode(error) ?? "")) throw error;
      }
    }
  }

  #attempt(parts: readonly string[], action: () => void): void {
    try {
      action();
    } catch (error) {
      const { path } = this.#target;
      throw this.#explain(error, `${path === "/" ? "" : path}/${parts.join("/")}`);
    }
  }

  #explain(error: unknown, path: string): unknown {
    const code = errnoCode(error);
    if (error instanceof StorageError || error instanceof ConflictError || code === undefined) return error;
    const full = code === "ENOSPC" || code === "EDQUOT";
    return new StorageError(
      full ? "disk-full" : "copy-failed",
      `cannot write ${printable(path)}: ${errnoText(code) ?? code}`,
      { cause: error },
    );
  }
}
