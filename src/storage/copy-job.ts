/**
 * The job `copy-rootfs`: the layers of an image merged into one plain directory, for the driver that mounts nothing
 * and for containers with ids of their own. Files share their blocks with the layer where the filesystem can.
 */
import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  type Stats,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { StorageError } from "../base/index.ts";
import { type Libc, loadLibc } from "../host/index.ts";
import { OPAQUE_MARKER } from "../oci/index.ts";
import { writeCounter } from "./counter.ts";
import { syncTree } from "./sync.ts";
import { isMarkedOpaque, isWhiteoutFile, removedBy } from "./tree/whiteouts.ts";
import { isAllowedXattr } from "./xattrs.ts";

export interface CopyInput {
  /** Lowest first. */
  readonly layers: readonly string[];
  /** A directory to be made. */
  readonly target: string;
  /** Owners are translated: `container` is the id in the layer, `host` the one in the copy. */
  readonly owners?: Owners;
  /** Files get no content but an attribute for overlay, which then looks for it in `layers`. */
  readonly dataLayers?: boolean;
  /** It is kept from now on: a power cut must not leave half of it under its final name. */
  readonly lasting?: boolean;
  /** A descriptor of `openCounter`, for the bytes that are done. */
  readonly counter?: number;
}

export interface Owners {
  readonly uid: readonly OwnerRange[];
  readonly gid: readonly OwnerRange[];
}

interface OwnerRange {
  readonly container: number;
  readonly host: number;
  readonly size: number;
}

/** @throws {StorageError} `copy-failed`; the caller removes what is there then */
export async function copyRootfs(input: CopyInput): Promise<null> {
  const libc = loadLibc();
  libc.umask(0);
  mkdirSync(input.target, 0o755);
  const copied: Copied = { bytes: 0, told: 0 };
  for (const layer of input.layers) {
    const copier = new LayerCopier(libc, input, Buffer.from(layer), copied);
    copier.merge(Buffer.from(layer), Buffer.from(input.target));
  }
  if (input.lasting === true) syncTree(libc, input.target);
  return null;
}

/** How much there is of the copy, and how much of that has been said. */
interface Copied {
  bytes: number;
  told: number;
}

const TELL_EVERY = 1 << 20;
const NOTHING = Buffer.alloc(0);
const MARKER = Buffer.from(OPAQUE_MARKER);
const METACOPY_XATTR = "user.overlay.metacopy";
const REDIRECT_XATTR = "user.overlay.redirect";

const SLASH = Buffer.from("/");
const S_IFIFO = 0o010000;

class LayerCopier {
  readonly #libc: Libc;
  /** Files with several names, by inode: their first copy. */
  readonly #linked = new Map<number, Buffer>();

  readonly #input: CopyInput;
  readonly #root: Buffer;
  readonly #copied: Copied;

  constructor(libc: Libc, input: CopyInput, root: Buffer, copied: Copied) {
    this.#libc = libc;
    this.#input = input;
    this.#root = root;
    this.#copied = copied;
  }

  /** Both are directories; what the layer says wins. */
  merge(source: Buffer, target: Buffer): void {
    const names = readdirSync(source, { encoding: "buffer" });
    if (names.some((name) => name.equals(MARKER)) || isMarkedOpaque(this.#libc, source))
      for (const name of readdirSync(target, { encoding: "buffer" })) remove(join(target, name));
    for (const name of names) {
      const text = name.toString("latin1");
      const removed = isWhiteoutFile(text) ? removedBy(text) : undefined;
      if (removed !== undefined) remove(join(target, Buffer.from(removed, "latin1")));
      if (!isWhiteoutFile(text)) this.#one(join(source, name), join(target, name));
    }
    this.#looks(lstatSync(source), source, target);
  }

  #one(source: Buffer, target: Buffer): void {
    const looks = lstatSync(source);
    const there = lstatSync(target, { throwIfNoEntry: false });
    const bothDirectories = looks.isDirectory() && there?.isDirectory() === true;
    if (there !== undefined && !bothDirectories) remove(target);
    if (looks.isCharacterDevice()) return;
    if (looks.isDirectory()) {
      if (!bothDirectories) mkdirSync(target, 0o700);
      this.merge(source, target);
      return;
    }
    const first = looks.nlink > 1 ? this.#linked.get(looks.ino) : undefined;
    if (first !== undefined) {
      linkSync(first, target);
      return;
    }
    if (looks.nlink > 1) this.#linked.set(looks.ino, target);
    this.#copy(source, target, looks);
    this.#looks(looks, source, target);
  }

  #copy(source: Buffer, target: Buffer, looks: Stats): void {
    if (looks.isSymbolicLink()) symlinkSync(readlinkSync(source, { encoding: "buffer" }), target);
    else if (looks.isFIFO()) this.#libc.mknod(target, S_IFIFO | 0o600, 0, 0);
    else if (looks.isFile()) {
      if (this.#staysBelow(looks)) this.#pointTo(source, target, looks.size);
      else this.#copyFile(source, target);
      this.#tell(looks.size);
    }
  }

  /** Another of a file's names may be hidden by a layer above, and the kernel looks by the name that is written down. */
  #staysBelow({ size, nlink }: Stats): boolean {
    return this.#input.dataLayers === true && size > 0 && nlink === 1;
  }

  /** Its content is what the topmost layer with a file of this name has there. */
  #pointTo(source: Buffer, target: Buffer, size: number): void {
    writeFileSync(target, NOTHING, { flag: "wx" });
    truncateSync(target, size);
    this.#libc.lsetxattr(target, METACOPY_XATTR, NOTHING);
    this.#libc.lsetxattr(target, REDIRECT_XATTR, source.subarray(this.#root.length));
  }

  #tell(bytes: number): void {
    this.#copied.bytes += bytes;
    if (this.#input.counter === undefined || this.#copied.bytes - this.#copied.told < TELL_EVERY) return;
    this.#copied.told = this.#copied.bytes;
    writeCounter(this.#input.counter, this.#copied.bytes);
  }

  #copyFile(source: Buffer, target: Buffer): void {
    try {
      copyFileSync(source, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    } catch (error) {
      throw new StorageError("copy-failed", `cannot copy ${source}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  #looks(looks: Stats, source: Buffer, target: Buffer): void {
    const { uid, gid } = this.#input.owners ?? {};
    lchownSync(target, translate(uid, looks.uid, source), translate(gid, looks.gid, source));
    if (!looks.isSymbolicLink()) {
      chmodSync(target, looks.mode & 0o7777);
      this.#xattrs(source, target);
    }
    lutimesSync(target, looks.atimeMs / 1000, looks.mtimeMs / 1000);
  }

  #xattrs(source: Buffer, target: Buffer): void {
    for (const name of this.#libc.llistxattr(source)) {
      const value = isAllowedXattr(name) ? this.#libc.lgetxattr(source, name) : undefined;
      if (value !== undefined) this.#libc.lsetxattr(target, name, value);
    }
  }
}

function translate(ranges: readonly OwnerRange[] | undefined, id: number, path: Buffer): number {
  if (ranges === undefined) return id;
  const found = ranges.find(({ container, size }) => id >= container && id < container + size);
  if (found !== undefined) return found.host + id - found.container;
  throw new StorageError(
    "id-not-mapped",
    `cannot copy ${path}: it belongs to id ${id}, which the container would not have`,
    { hint: "give it more ids, for example with --userns auto:size=65536" },
  );
}

function join(dir: Buffer, name: Buffer): Buffer {
  return Buffer.concat([dir, SLASH, name]);
}

function remove(path: Buffer): void {
  rmSync(path, { recursive: true, force: true });
}
