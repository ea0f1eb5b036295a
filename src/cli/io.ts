/** The real terminal: synchronous writes, quiet broken pipes, lazily asked properties. */
import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import type { Io } from "./command.ts";

/** Standard output was closed by its reader: nobody listens, which is no error of ours. */
export class BrokenPipe extends Error {}

const nap = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of `chunk`; a full non-blocking pipe is waited for. */
function writeAll(fd: number, chunk: Uint8Array): void {
  let offset = 0;
  while (offset < chunk.length) {
    try {
      offset += writeSync(fd, chunk, offset);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EPIPE") throw new BrokenPipe();
      if (code !== "EAGAIN") throw error;
      Atomics.wait(nap, 0, 0, 2);
    }
  }
}

/** `silent` is --noout: results go nowhere, errors still do. */
export function terminalIo(silent: boolean): Io {
  return {
    out: (text) => silent || text === "" || writeAll(1, Buffer.from(text)),
    err: (text) => text === "" || writeAll(2, Buffer.from(text)),
    write: (chunk) => silent || writeAll(1, chunk),
    stdin: () => process.stdin,
    get stdinIsTty() {
      return isatty(0);
    },
    get stdoutIsTty() {
      return isatty(1);
    },
    get stderrIsTty() {
      return isatty(2);
    },
    get columns() {
      return (isatty(1) && process.stdout.columns) || 80;
    },
  };
}
