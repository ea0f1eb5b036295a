/**
 * System calls that `node:` lacks. The only user of koffi, which takes milliseconds to load:
 * call `loadLibc` where needed, never on the way of run, exec or ps.
 *
 * Every function throws an Error with `.code` (`EPERM`) and `.syscall`, as those of node:fs do.
 */
export interface Libc {
  /** Waits for the lock, or with `nonblock` returns false if somebody else has it. Closing the descriptor unlocks. */
  flock(fd: number, kind: "shared" | "exclusive" | "unlock", nonblock?: boolean): boolean;
  chroot(path: string): void;
  umask(mask: number): number;
  /** Extended attributes of the path itself, never through a symbolic link. Undefined: it has no such attribute. */
  lgetxattr(path: string, name: string): Buffer | undefined;
  lsetxattr(path: string, name: string, value: Uint8Array): void;
  llistxattr(path: string): string[];
  lremovexattr(path: string, name: string): void;
  /** `mode` with the file type's bits. */
  mknod(path: string, mode: number, major: number, minor: number): void;
  /** Makes `to` share all blocks of `from` (FICLONE); throws EOPNOTSUPP or EXDEV where that is impossible. */
  reflink(toFd: number, fromFd: number): void;
  /** renameat2: `exchange` swaps two paths, `noreplace` fails with EEXIST. */
  rename(from: string, to: string, flag: "exchange" | "noreplace"): void;
  /** Writes out everything of the filesystem the descriptor is on. */
  syncfs(fd: number): void;
}
