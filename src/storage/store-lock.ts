/**
 * The store's one lock. Whoever makes something half-visible (a blob, a layer, a copy) holds it
 * shared; whoever removes what nobody refers to holds it alone. It dies with its process, so that
 * what lies under a temporary name while the lock is free is garbage for certain.
 */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { ensureDir, loadLibc, type Paths } from "../host/index.ts";

export interface StoreLock {
  /** Call once. */
  release(): void;
}

export function storeLockPath(paths: Paths): string {
  return join(paths.data, "store.lock");
}

/** Waits until nobody is sweeping. */
export async function lockShared(paths: Paths): Promise<StoreLock> {
  ensureDir(paths.data);
  return lockFileShared(storeLockPath(paths));
}

/** The same for a job, which is given the path. */
export async function lockFileShared(path: string): Promise<StoreLock> {
  const libc = loadLibc();
  const fd = openSync(path, "a", 0o600);
  libc.flock(fd, "shared");
  return { release: () => closeSync(fd) };
}

/** The lock alone, or undefined if anybody is at work in the store. */
export async function tryLockAlone(paths: Paths): Promise<StoreLock | undefined> {
  ensureDir(paths.data);
  const libc = loadLibc();
  const fd = openSync(storeLockPath(paths), "a", 0o600);
  if (libc.flock(fd, "exclusive", true)) return { release: () => closeSync(fd) };
  closeSync(fd);
  return undefined;
}
