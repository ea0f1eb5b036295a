/** Writing to what the caller of a command has opened: its standard output, mostly. */
import { writeSync } from "node:fs";
import { errnoCode, ReaderGoneError } from "../base/index.ts";

const nap = new Int32Array(new SharedArrayBuffer(4));

/**
 * Writes all of it; a full pipe that does not block is waited for.
 *
 * @throws {ReaderGoneError} if nobody can read it; any other error as the kernel gives it
 */
export function writeOut(fd: number, piece: Uint8Array): void {
  for (let at = 0; at < piece.length; ) {
    try {
      at += writeSync(fd, piece, at);
    } catch (error) {
      const code = errnoCode(error);
      if (code === "EPIPE") throw new ReaderGoneError();
      if (code !== "EAGAIN") throw error;
      Atomics.wait(nap, 0, 0, 2);
    }
  }
}
