/**
 * Unpacks one layer's tar into a directory, in the form overlay mounts want it.
 *
 * Runs as root of the user namespace with the layer as its root directory (chroot): whatever links
 * an archive lays down, nothing outside can be reached. Without a chroot (`confined: false`, tests)
 * a link in the place of a parent directory is refused instead of followed.
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { errnoCode } from "../base/index.ts";
import type { Libc } from "../host/index.ts";
import { entryMeaning } from "../oci/index.ts";
import { entryComponents, fsPath } from "./entry-path.ts";
import { explainUnpack } from "./extract-error.ts";
import { type OpenFile, writeChunk } from "./extract-file.ts";
import type { LayerRecorder } from "./recorder.ts";
import { archiveError, printable } from "./tar/header.ts";
import type { TarEntry, TarHandler } from "./tar/parser.ts";
import { isAllowedXattr, OPAQUE_XATTR } from "./xattrs.ts";

export interface ExtractOptions {
  /** Directory to write into; "" after a chroot into it. */
  readonly root: string;
  /** The process is chrooted into `root`. */
  readonly confined: boolean;
  /** Only id 0 is mapped: owners are dropped. */
  readonly single: boolean;
  readonly libc: Libc;
  /** Notes what is needed to write the same tar again. */
  readonly recorder?: LayerRecorder | undefined;
  readonly maxEntries?: number;
}

export interface ExtractResult {
  /** Bytes of the files' content. */
  readonly size: number;
  /** Directories the archive did not mention (byte strings; "" is the root): they get the looks of the layers below. */
  readonly implied: readonly string[];
  readonly ownersDropped: boolean;
  readonly devicesSkipped: number;
}

const MAX_ENTRIES = 5_000_000;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const S_IFCHR = 0o020000;
const S_IFIFO = 0o010000;
/** Filesystems without attributes, kinds of file without, and capabilities where ids are faked. */
const NO_XATTR = new Set(["EOPNOTSUPP", "ENOTSUP", "EPERM", "EINVAL"]);

export class LayerExtractor implements TarHandler {
  readonly #options: ExtractOptions;
  /** Directories known to be real, reached through no link; forgotten whenever anything is replaced. */
  #known = new Set<string>();
  readonly #implied = new Set<string>();
  readonly #dirTimes = new Map<string, number>();
  readonly #whiteouts = new Set<string>();
  #file: OpenFile | undefined;
  #entries = 0;
  #size = 0;
  #ownersDropped = false;
  #devicesSkipped = 0;
  #rootSeen = false;

  constructor(options: ExtractOptions) {
    this.#options = options;
  }

  /** Times of directories come last: writing into one changes it. */
  finish(): ExtractResult {
    for (const [name, mtime] of this.#dirTimes) {
      const path = this.#path(name);
      if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) lutimesSync(path, mtime, mtime);
    }
    return {
      size: this.#size,
      implied: [...(this.#rootSeen ? [] : [""]), ...this.#implied],
      ownersDropped: this.#ownersDropped,
      devicesSkipped: this.#devicesSkipped,
    };
  }

  /** Closes what a failure left open. */
  abort(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
    this.#file = undefined;
  }

  raw(bytes: Buffer): void {
    this.#options.recorder?.raw(bytes);
  }

  entry(entry: TarEntry): void {
    if (++this.#entries > (this.#options.maxEntries ?? MAX_ENTRIES))
      throw archiveError("it has too many entries");
    const parts = entryComponents(entry.name);
    try {
      if (parts.length === 0) this.#root(entry);
      else this.#place(entry, parts);
    } catch (error) {
      throw explainUnpack(error, entry.name);
    }
  }

  data(chunk: Buffer): void {
    const file = this.#file;
    if (file === undefined) {
      this.#options.recorder?.raw(chunk);
      return;
    }
    try {
      writeChunk(file, chunk);
    } catch (error) {
      throw explainUnpack(error, file.entry.name);
    }
  }

  endEntry(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    try {
      if (file.entry.sparse !== undefined) ftruncateSync(file.fd, file.entry.sparse.size);
      this.#finishFile(file);
    } catch (error) {
      throw explainUnpack(error, file.entry.name);
    } finally {
      closeSync(file.fd);
    }
    this.#size += file.entry.sparse?.size ?? file.entry.size;
    if (file.entry.size > 0) this.#options.recorder?.file(file.name, file.entry);
  }

  #root(entry: TarEntry): void {
    if (entry.type !== "directory")
      throw archiveError(`it is a ${entry.type} in the place of the root directory`, entry.name);
    this.#directoryLooks("", entry);
    this.#rootSeen = true;
  }

  #place(entry: TarEntry, parts: readonly string[]): void {
    const base = parts.at(-1) as string;
    const meaning = entryMeaning(base);
    if (meaning.kind === "ignored") return;
    if (meaning.kind === "invalid") throw archiveError("it is a whiteout of no file", entry.name);
    const parent = parts.slice(0, -1);
    const direct = this.#ensureParents(parent, entry.name);
    if (!direct) {
      if (meaning.kind !== "plain")
        throw archiveError("it is a whiteout beneath a symbolic link", entry.name);
      this.#options.recorder?.giveUp();
    }
    if (meaning.kind === "opaque") this.#setOpaque(parent.join("/"));
    else if (meaning.kind === "whiteout") this.#whiteout([...parent, meaning.name].join("/"));
    else this.#create(entry, parts.join("/"));
  }

  /** Makes missing parents; false if a symbolic link stands among them. */
  #ensureParents(parts: readonly string[], entryName: string): boolean {
    if (parts.length === 0 || this.#known.has(parts.join("/"))) return true;
    let name = "";
    let direct = true;
    for (const part of parts) {
      name = name === "" ? part : `${name}/${part}`;
      if (this.#known.has(name)) continue;
      direct = this.#ensureParent(name, entryName) && direct;
      if (direct) this.#known.add(name);
    }
    return direct;
  }

  /** False for a link to a directory, which only a chroot makes safe to follow. */
  #ensureParent(name: string, entryName: string): boolean {
    const path = this.#path(name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isDirectory()) return true;
    if (found?.isSymbolicLink()) {
      if (this.#options.confined && statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
      throw archiveError("a symbolic link stands where a directory above it should be", entryName);
    }
    if (found === undefined) this.#makeParent(name, path);
    else if (this.#whiteouts.has(name)) this.#replaceByDirectory(name, path);
    else throw archiveError("a file stands where a directory above it should be", entryName);
    return true;
  }

  #makeParent(name: string, path: string | Buffer): void {
    mkdirSync(path, 0o755);
    chmodSync(path, 0o755);
    this.#implied.add(name);
  }

  /** A directory where this layer itself removed something: what lay below must not shine through. */
  #replaceByDirectory(name: string, path: string | Buffer): void {
    rmSync(path);
    this.#whiteouts.delete(name);
    mkdirSync(path, 0o755);
    this.#setOpaque(name);
  }

  #create(entry: TarEntry, name: string): void {
    switch (entry.type) {
      case "directory":
        this.#directory(entry, name);
        break;
      case "file":
        this.#openFile(entry, name);
        break;
      case "symlink":
        this.#symlink(entry, name);
        break;
      case "hardlink":
        this.#hardlink(entry, name);
        break;
      case "fifo":
        this.#fifo(entry, name);
        break;
      default:
        // A user namespace may make no devices; /dev comes from the runtime anyway.
        this.#devicesSkipped++;
    }
  }

  #directory(entry: TarEntry, name: string): void {
    const path = this.#path(name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (this.#whiteouts.has(name)) this.#replaceByDirectory(name, path);
    else if (found === undefined) mkdirSync(path, 0o700);
    else if (!found.isDirectory()) {
      this.#remove(name, path);
      mkdirSync(path, 0o700);
    }
    this.#implied.delete(name);
    this.#directoryLooks(name, entry);
  }

  #directoryLooks(name: string, entry: TarEntry): void {
    const path = this.#path(name);
    this.#chown(path, entry);
    chmodSync(path, entry.mode);
    this.#xattrs(name, entry);
    this.#dirTimes.delete(name);
    this.#dirTimes.set(name, entry.mtime);
  }

  #openFile(entry: TarEntry, name: string): void {
    const fd = this.#making(name, (path) => openSync(path, CREATE, 0o600));
    this.#file = { fd, entry, name, written: 0, piece: 0, pieceDone: 0 };
  }

  #finishFile({ fd, entry, name }: OpenFile): void {
    if (this.#needsChown(entry)) fchownSync(fd, entry.uid, entry.gid);
    fchmodSync(fd, entry.mode);
    // After the owner: a change of owner removes capabilities.
    if (entry.xattrs.length > 0) this.#xattrs(name, entry);
    futimesSync(fd, entry.mtime, entry.mtime);
  }

  #symlink(entry: TarEntry, name: string): void {
    const target = entry.linkName;
    if (target === "" || target.includes("\0") || target.length > 4095)
      throw archiveError("its link target is not a path", entry.name);
    this.#making(name, (path) => symlinkSync(Buffer.from(target, "latin1"), path));
    const path = this.#path(name);
    this.#chown(path, entry);
    lutimesSync(path, entry.mtime, entry.mtime);
  }

  #hardlink(entry: TarEntry, name: string): void {
    const parts = entryComponents(entry.linkName, entry.name);
    const target = parts.join("/");
    if (entryMeaning(parts.at(-1) ?? "").kind !== "plain") return;
    if (!this.#ensureExistingParents(parts.slice(0, -1)))
      throw archiveError("its link target leads through a symbolic link", entry.name);
    const found = lstatSync(this.#path(target), { throwIfNoEntry: false });
    if (found === undefined || found.isDirectory())
      throw archiveError(`its link target ${printable(target)} is no file of this layer`, entry.name);
    if (target === name) return;
    this.#making(name, (path) => linkSync(this.#path(target), path));
  }

  /** True if all of them are real directories. */
  #ensureExistingParents(parts: readonly string[]): boolean {
    let name = "";
    for (const part of parts) {
      name = name === "" ? part : `${name}/${part}`;
      if (this.#known.has(name)) continue;
      if (!lstatSync(this.#path(name), { throwIfNoEntry: false })?.isDirectory()) return false;
    }
    return true;
  }

  #fifo(entry: TarEntry, name: string): void {
    this.#node(name, S_IFIFO | 0o600);
    const path = this.#path(name);
    this.#chown(path, entry);
    chmodSync(path, entry.mode);
    lutimesSync(path, entry.mtime, entry.mtime);
  }

  /** Removes a name of the layers below; what this layer itself has there stays, as the specification says. */
  #whiteout(name: string): void {
    const found = lstatSync(this.#path(name), { throwIfNoEntry: false });
    if (found?.isDirectory()) this.#setOpaque(name);
    if (found !== undefined) return;
    this.#node(name, S_IFCHR);
    this.#whiteouts.add(name);
  }

  #setOpaque(name: string): void {
    this.#options.libc.lsetxattr(this.#path(name), OPAQUE_XATTR, Buffer.from("y"));
  }

  #node(name: string, mode: number): void {
    this.#making(name, (path) => this.#options.libc.mknod(path, mode, 0, 0));
  }

  #xattrs(name: string, entry: TarEntry): void {
    for (const [key, value] of entry.xattrs) {
      if (key.length > 255)
        throw archiveError(
          `an extended attribute's name has ${key.length} bytes, the limit is 255`,
          entry.name,
        );
      if (isAllowedXattr(key)) this.#tryXattr(name, key, value);
    }
  }

  /** Where it is not possible the file is worth more than its attribute. */
  #tryXattr(name: string, key: string, value: Buffer): void {
    try {
      this.#options.libc.lsetxattr(this.#path(name), key, value);
    } catch (error) {
      if (!NO_XATTR.has(errnoCode(error) ?? "")) throw error;
    }
  }

  /** Runs a call that creates `name`; what stands there already is removed first. */
  #making<T>(name: string, make: (path: string | Buffer) => T): T {
    const path = this.#path(name);
    try {
      return make(path);
    } catch (error) {
      const code = errnoCode(error);
      if (code !== "EEXIST" && code !== "EISDIR") throw error;
    }
    this.#remove(name, path);
    return make(path);
  }

  #remove(name: string, path: string | Buffer): void {
    if (!this.#whiteouts.delete(name)) this.#options.recorder?.giveUp();
    rmSync(path, { recursive: true, force: true });
    this.#known = new Set();
  }

  #needsChown(entry: TarEntry): boolean {
    if (entry.uid === 0 && entry.gid === 0) return false;
    if (!this.#options.single) return true;
    this.#ownersDropped = true;
    return false;
  }

  #chown(path: string | Buffer, entry: TarEntry): void {
    if (this.#needsChown(entry)) lchownSync(path, entry.uid, entry.gid);
  }

  #path(name: string): string | Buffer {
    return name === "" ? this.#options.root || "/" : fsPath(this.#options.root, name);
  }
}
