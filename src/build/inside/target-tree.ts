/**
 * Where COPY and ADD write: the process's own root, which is the image's. Whatever links the image has laid down, the
 * system follows them inside. Names are byte strings (latin1).
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
} from "node:fs";
import { errnoCode, StorageError } from "../../base/index.ts";
import { errnoText } from "../../host/index.ts";
import { fsPath } from "../../storage/index.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface NewFileLooks {
  readonly owner: Owner;
  readonly mode: number;
  /** Time of its content; absent: now. */
  readonly seconds: number | undefined;
}

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

export class TargetTree {
  /** Only id 0 is mapped: owners cannot be kept. */
  readonly #single: boolean;
  readonly #made = new Set<string>();

  constructor(single: boolean) {
    this.#single = single;
  }

  /** What stands there, read through links; undefined for nothing, and for a link that leads nowhere. */
  looks(path: string): Stats | undefined {
    try {
      return statSync(fsPath("", path));
    } catch {
      return undefined;
    }
  }

  /** Makes the directory and those above it; new ones belong to `owner`. */
  makeDirectories(path: string, owner: Owner): void {
    if (path === "" || this.#made.has(path)) return;
    const found = this.looks(path);
    if (found?.isDirectory() === true) {
      this.#made.add(path);
      return;
    }
    if (found !== undefined) throw cannot(path, "it is not a directory");
    this.makeDirectories(path.slice(0, Math.max(0, path.lastIndexOf("/"))), owner);
    this.attempt(path, () => mkdirSync(fsPath("", path), 0o755));
    this.own(path, owner);
    this.#made.add(path);
  }

  /** A directory where there may be one already; true if it is new. */
  directory(path: string): boolean {
    const found = lstatSync(fsPath("", path), { throwIfNoEntry: false });
    if (found === undefined) {
      this.attempt(path, () => mkdirSync(fsPath("", path), 0o755));
      return true;
    }
    if (this.looks(path)?.isDirectory() === true) return false;
    throw cannot(path, "it is there and not a directory");
  }

  /** Clears the place for something that is not a directory. */
  clear(path: string): void {
    const found = lstatSync(fsPath("", path), { throwIfNoEntry: false });
    if (found === undefined) return;
    if (found.isDirectory()) throw cannot(path, "it is a directory");
    this.attempt(path, () => rmSync(fsPath("", path)));
  }

  /**
   * A new file in place of whatever is there. Each change of an inode is a write to the disk's journal: what its
   * making gives already is not set again.
   */
  file(path: string, looks: NewFileLooks, fill: (fd: number) => void): void {
    const { owner, mode, seconds } = looks;
    const fd = this.#create(path, mode & 0o777);
    try {
      this.attempt(path, () => {
        if (!this.#single && !isOwnedBy(fd, owner)) fchownSync(fd, owner.uid, owner.gid);
        fill(fd);
        // Both of the former take these bits away.
        if ((mode & 0o7000) !== 0) fchmodSync(fd, mode);
        if (seconds !== undefined) futimesSync(fd, seconds, seconds);
      });
    } finally {
      closeSync(fd);
    }
  }

  #create(path: string, mode: number): number {
    const create = () => openSync(fsPath("", path), CREATE, mode);
    return this.attempt(path, () => {
      try {
        return create();
      } catch (error) {
        if (errnoCode(error) !== "EEXIST") throw error;
      }
      this.clear(path);
      return create();
    });
  }

  symlink(target: string, path: string): void {
    this.clear(path);
    this.attempt(path, () => symlinkSync(Buffer.from(target, "latin1"), fsPath("", path)));
  }

  own(path: string, { uid, gid }: Owner): void {
    if (this.#single) return;
    this.attempt(path, () => lchownSync(fsPath("", path), uid, gid));
  }

  ownFollowed(path: string, { uid, gid }: Owner): void {
    if (!this.#single) this.attempt(path, () => chownSync(fsPath("", path), uid, gid));
  }

  mode(path: string, mode: number): void {
    this.attempt(path, () => chmodSync(fsPath("", path), mode & 0o7777));
  }

  times(path: string, seconds: number): void {
    this.attempt(path, () => lutimesSync(fsPath("", path), seconds, seconds));
  }

  attempt<T>(path: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof StorageError) throw error;
      const code = errnoCode(error);
      throw cannot(path, errnoText(code) ?? code ?? String(error), code, error);
    }
  }
}

function isOwnedBy(fd: number, { uid, gid }: Owner): boolean {
  const looks = fstatSync(fd);
  return looks.uid === uid && looks.gid === gid;
}

export function cannot(path: string, reason: string, code?: string, cause?: unknown): StorageError {
  const name = Buffer.from(path, "latin1").toString("utf8");
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new StorageError(full ? "disk-full" : "copy-failed", `cannot copy to /${name}: ${reason}`, {
    cause,
  });
}
