/** Opening the database file, also where SQLite's usual way is barred: on a full disk and on a read-only medium. */
import { accessSync, constants } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type DatabaseSyncOptions } from "node:sqlite";
import { userVersion } from "./migrate.ts";
import { BUSY_TIMEOUT_MS, lacksSharedMemory } from "./sqlite.ts";

/** A handle that has really read the file. */
export interface Opened {
  readonly handle: DatabaseSync;
  /** The schema's version it found. */
  readonly version: number;
  /** Other processes can have it open, too. */
  readonly shared: boolean;
}

export function openHandle(path: string, mode: "read" | "write"): Opened {
  try {
    return openAndRead(path, { timeout: BUSY_TIMEOUT_MS, readOnly: mode === "read" });
  } catch (error) {
    if (lacksSharedMemory(error)) return openAlone(path);
    if (mode === "write" || canWrite(dirname(path))) throw error;
    return openImmutable(path);
  }
}

/**
 * Without the -shm file that processes share, and so without other processes until the handle is
 * closed. On a disk too full for that file this still shows what there is, and can remove some of it.
 */
function openAlone(path: string): Opened {
  const opened = openAndRead(path, { timeout: BUSY_TIMEOUT_MS }, "PRAGMA locking_mode = EXCLUSIVE");
  return { ...opened, shared: false };
}

/** Even a reader makes -wal and -shm files; on a read-only medium nobody writes, so it may do without. */
function openImmutable(path: string): Opened {
  const url = process.getBuiltinModule("node:url").pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  return openAndRead(url, { readOnly: true });
}

function openAndRead(path: string | URL, options: DatabaseSyncOptions, before = ""): Opened {
  const handle = new DatabaseSync(path, options);
  try {
    if (before !== "") handle.exec(before);
    return { handle, version: userVersion(handle), shared: true };
  } catch (error) {
    handle.close();
    throw error;
  }
}

function canWrite(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
