/** How far a job is: a number in a file without a name, which the job writes and whoever waits for it reads. */
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { randomHex } from "../base/index.ts";
import { ensureDir, type Paths, tempDir } from "../host/index.ts";

const DIGITS = 20;

export interface Counter {
  /** For the job. */
  readonly fd: number;
  read(): number;
  close(): void;
}

export function openCounter(paths: Paths): Counter {
  ensureDir(tempDir(paths));
  const path = join(tempDir(paths), `count-${randomHex(6)}`);
  const fd = openSync(path, "wx+", 0o600);
  rmSync(path);
  const text = Buffer.alloc(DIGITS);
  return {
    fd,
    read: () => Number(text.toString("latin1", 0, readSync(fd, text, 0, DIGITS, 0))),
    close: () => closeSync(fd),
  };
}

/** The job's end of it. */
export function writeCounter(fd: number, value: number): void {
  writeSync(fd, String(value).padEnd(DIGITS), 0);
}
