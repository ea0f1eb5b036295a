/** SQLite's failures in kelp's words, and waiting for other processes where SQLite itself does not. */
import { StorageError } from "../base/index.ts";

const BUSY = 5;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const PROTOCOL = 15;
const CONSTRAINT = 19;
const NOTADB = 26;

/** How long to wait for other processes before giving up. */
export const BUSY_TIMEOUT_MS = 20_000;

/** Failures around the file of shared memory: it cannot be opened, extended or mapped. */
const IOERR_SHM: readonly number[] = [IOERR | (18 << 8), IOERR | (19 << 8), IOERR | (21 << 8)];

/** Whether only the -shm file is in the way, for which a full disk has no room. */
export function lacksSharedMemory(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && IOERR_SHM.includes(error.errcode as number);
}

/** SQLite's primary result code of an error, or undefined if it is none of SQLite's. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number")
    return undefined;
  return error.errcode & 0xff;
}

/**
 * Repeats `body` while other processes are in the way. SQLite's own timeout covers plain lock
 * waits; not covered are the moments when the first opener recovers the log or the last closer removes it.
 */
export function retryBusy<T>(body: () => T, patience: number): T {
  const deadline = performance.now() + patience;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    try {
      return body();
    } catch (error) {
      const code = sqliteCode(error);
      if ((code !== BUSY && code !== PROTOCOL) || performance.now() > deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause);
    }
  }
}

interface Words {
  readonly code: string;
  readonly reason: string;
  readonly hint?: string;
}

const WORDS: Readonly<Record<number, Words>> = {
  [BUSY]: {
    code: "store-busy",
    reason: "another process has kept it locked for too long",
    hint: "look for a stopped kelp process with `fuser -v` on that file",
  },
  [READONLY]: {
    code: "store-read-only",
    reason: "it cannot be written",
    hint: "check the owner and mode of its directory, or choose another store with --root",
  },
  [IOERR]: {
    code: "store-io",
    reason: "reading or writing failed",
    hint: "check the disk and its free space",
  },
  [CORRUPT]: {
    code: "store-corrupt",
    reason: "its content is damaged",
    hint:
      "move it away with its -wal and -shm files (a backup made before an upgrade may lie beside it); " +
      "`kelp system check --repair` then finds the volumes again, and removes what is left of images and containers",
  },
  [FULL]: {
    code: "disk-full",
    reason: "no space left on device",
    hint: "free some space, or move the store with --root",
  },
  [CONSTRAINT]: {
    code: "store-changed",
    reason: "another command has removed or made what this one was about",
    hint: "look at what is there now, and try again",
  },
  [CANTOPEN]: {
    code: "store-not-writable",
    reason: "it cannot be opened",
    hint: "check the owner and mode of its directory, or choose another store with --root",
  },
};

/** An error for the user where SQLite failed for a cause outside of kelp; any other error unchanged. */
export function storeError(path: string, error: unknown): unknown {
  const code = sqliteCode(error);
  if (code === undefined) return error;
  const words = WORDS[code === NOTADB ? CORRUPT : code === PROTOCOL ? BUSY : code];
  if (words === undefined) return error;
  return new StorageError(words.code, `cannot use store ${path}: ${words.reason}`, {
    cause: error,
    ...(words.hint === undefined ? {} : { hint: words.hint }),
  });
}
