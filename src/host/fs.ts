/** File operations with the guarantees the store needs: files appear whole, directories are private. */
import {
  closeSync,
  existsSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { errnoCode, HostError, log, randomHex, StorageError } from "../base/index.ts";
import type { Paths } from "./paths.ts";

export interface WriteOptions {
  /** Permission bits, whatever the umask; 0600 unless said otherwise. */
  readonly mode?: number;
  /** Survive a power cut: fsync of the file and of its directory. */
  readonly sync?: boolean;
}

/**
 * Replaces `path` as a whole: readers see the old or the new content, never a part, and a
 * shorter text never keeps the tail of a longer one. The directory must exist.
 *
 * @throws {StorageError} with code `disk-full` or `write-failed`; nothing is left behind then.
 */
export function writeFileAtomic(path: string, data: string | Uint8Array, options: WriteOptions = {}): void {
  const temporary = `${path}.${randomHex(6)}.tmp`;
  try {
    writeNew(temporary, data, options);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw writeError(path, error);
  }
  if (options.sync) syncDirectory(dirname(path));
}

function writeNew(path: string, data: string | Uint8Array, options: WriteOptions): void {
  const bytes = typeof data === "string" ? Buffer.from(data) : data;
  const fd = openSync(path, "wx", 0o600);
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    if (options.mode !== undefined && options.mode !== 0o600) fchmodSync(fd, options.mode);
    if (options.sync) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Keeps a word or two where a symbolic link points to: unlike a file's content that needs no room, so that it can be
 * written down on a full disk, too.
 *
 * @throws {StorageError} as `writeFileAtomic`
 */
export function writeNote(path: string, text: string): void {
  const temporary = `${path}.${randomHex(6)}.tmp`;
  try {
    symlinkSync(text, temporary);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw writeError(path, error);
  }
}

/** What `writeNote` wrote; undefined if there is no note. */
export function readNote(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    const code = errnoCode(error);
    if (code === "ENOENT" || code === "EINVAL") return undefined; // EINVAL: a file, hence no note
    throw error;
  }
}

/** Makes the runtime directory, and says so if it is not where it usually is (no XDG_RUNTIME_DIR, as under su and cron). */
export function ensureRuntimeDir({ runtime, notice }: Pick<Paths, "runtime" | "notice">): void {
  if (notice !== undefined && !existsSync(runtime)) log.warn(notice);
  ensureDir(runtime);
}

/** Makes renames and removals inside a directory survive a power cut. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

const FULL_HINT = "free some space, or move the store with --root (kelp doctor disk-space)";
const WRITABLE_HINT = "choose a writable place with --root and --runroot, or with XDG_DATA_HOME";

/** The words for a failed write, with the advice that fits its cause. */
export function writeError(path: string, error: unknown): StorageError {
  const code = errnoCode(error);
  const reason = errnoText(code) ?? (error instanceof Error ? error.message : String(error));
  const hint = isFull(code) ? FULL_HINT : isRefused(code) ? WRITABLE_HINT : undefined;
  return new StorageError(isFull(code) ? "disk-full" : "write-failed", `cannot write ${path}: ${reason}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

function isFull(code: string | undefined): boolean {
  return code === "ENOSPC" || code === "EDQUOT";
}

function isRefused(code: string | undefined): boolean {
  return code === "EROFS" || code === "EACCES" || code === "EPERM";
}

const ERRNO_TEXT: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBUSY: "device or resource busy",
  EDQUOT: "disk quota exceeded",
  EEXIST: "file exists",
  EINVAL: "invalid argument",
  EIO: "input/output error",
  EISDIR: "is a directory",
  ELOOP: "too many levels of symbolic links",
  EMFILE: "too many open files",
  ENAMETOOLONG: "file name too long",
  ENODATA: "no data available",
  ENODEV: "no such device",
  ENOENT: "no such file or directory",
  ENOEXEC: "exec format error",
  ENOMEM: "cannot allocate memory",
  ENOSPC: "no space left on device",
  ENOSYS: "function not implemented",
  ENOTDIR: "not a directory",
  ENOTEMPTY: "directory not empty",
  EOPNOTSUPP: "operation not supported",
  EPERM: "operation not permitted",
  ERANGE: "numerical result out of range",
  EROFS: "read-only file system",
  ESRCH: "no such process",
  ETXTBSY: "text file busy",
  EXDEV: "invalid cross-device link",
};

/** The C library's words for an errno name, in lower case as Go prints them. */
export function errnoText(code: string | undefined): string | undefined {
  return code === undefined ? undefined : ERRNO_TEXT[code];
}

/**
 * Makes sure a directory of ours exists, with missing parents, all 0700.
 *
 * @throws {HostError} if it belongs to somebody else or everybody may write in it: what lies
 * there cannot be trusted then.
 */
export function ensureDir(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
    return;
  } catch (error) {
    const code = errnoCode(error);
    if (code === "ENOENT") {
      makeParents(path, error);
      return;
    }
    if (code !== "EEXIST") throw directoryError(path, error);
  }
  checkOwned(path);
}

function makeParents(path: string, error: unknown): void {
  const parent = dirname(path);
  if (parent === path) throw directoryError(path, error);
  try {
    mkdirSync(path, { mode: 0o700, recursive: true });
  } catch (cause) {
    throw directoryError(path, cause);
  }
}

function checkOwned(path: string): void {
  const uid = process.getuid?.() ?? 0;
  const entry = lstatSync(path);
  // A link of the user's own, to another disk, is as good as a directory.
  const found = entry.isSymbolicLink() && entry.uid === uid ? statSync(path) : entry;
  const reason = !found.isDirectory()
    ? "it is not a directory"
    : found.uid !== uid
      ? `it belongs to uid ${found.uid}`
      : (found.mode & 0o002) !== 0
        ? "everybody may write in it"
        : undefined;
  if (reason === undefined) return;
  throw new HostError("directory-unsafe", `cannot use directory ${path}: ${reason}`, {
    hint: "choose a directory of your own with --root or --runroot, or mend its owner and mode",
  });
}

function directoryError(path: string, error: unknown): HostError {
  const code = errnoCode(error);
  const reason = errnoText(code) ?? (error instanceof Error ? error.message : String(error));
  return new HostError(
    isFull(code) ? "disk-full" : "directory-not-writable",
    `cannot create directory ${path}: ${reason}`,
    {
      cause: error,
      hint: isFull(code) ? FULL_HINT : WRITABLE_HINT,
    },
  );
}

/** The text of a file, or undefined if there is none. */
export function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = errnoCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
