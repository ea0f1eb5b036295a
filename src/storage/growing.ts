/** Reading a file that somebody is still downloading into. */
import { closeSync, openSync, rmSync } from "node:fs";
import { errnoCode, StorageError } from "../base/index.ts";
import { loadLibc } from "../host/index.ts";

/** Says that a download goes on: a locked file, whose lock dies with its process. */
export interface DownloadSign {
  readonly path: string;
  /** The download has ended, well or not: readers wait no longer. */
  end(): void;
}

export function raiseSign(path: string): DownloadSign {
  const fd = openSync(path, "wx", 0o600);
  loadLibc().flock(fd, "exclusive");
  let raised = true;
  return {
    path,
    end() {
      if (!raised) return;
      raised = false;
      rmSync(path, { force: true });
      closeSync(fd);
    },
  };
}

/** A look costs a system call or two; new bytes come every few milliseconds. */
const PAUSE_MS = 4;
const LOOKS_PER_CHECK = 25;

/** A reader's side of a sign: what it does when it has read all there is. */
export class DownloadWatch {
  readonly #fd: number;
  #looks = 0;

  /** Opened at once: inside a chroot the path means nothing. */
  constructor(path: string) {
    try {
      this.#fd = openSync(path, "r");
    } catch (error) {
      if (errnoCode(error) === "ENOENT") throw ended();
      throw error;
    }
  }

  /** Waits a little. @throws {StorageError} `download-ended` if nobody downloads any more */
  async pause(): Promise<void> {
    this.#check();
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }

  /** The same for a reader that has nothing else to do. */
  pauseSync(): void {
    this.#check();
    Atomics.wait(nap, 0, 0, PAUSE_MS);
  }

  #check(): void {
    this.#looks += 1;
    if (this.#looks % LOOKS_PER_CHECK !== 0) return;
    if (!loadLibc().flock(this.#fd, "shared", true)) return;
    throw ended();
  }

  close(): void {
    closeSync(this.#fd);
  }
}

const nap = new Int32Array(new SharedArrayBuffer(4));

function ended(): StorageError {
  return new StorageError("download-ended", "cannot unpack layer: its download has ended too early");
}
