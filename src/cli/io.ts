/** The real terminal: synchronous writes, quiet broken pipes, lazily asked properties. */
import { fstatSync, openSync } from "node:fs";
import { errnoCode, KelpError } from "../base/index.ts";
import { errnoText, writeOut } from "../host/index.ts";
import type { Io } from "./command.ts";

const MEMORY_MAJOR = 1;
const FIRST_PTS_MAJOR = 136;
const LAST_PTS_MAJOR = 143;

/** isatty(3) without loading node:tty (1.5 ms) for what a file's type already answers: pipes, files, /dev/null, pseudo-terminals. */
function isTerminal(fd: number): boolean {
  try {
    const status = fstatSync(fd);
    if (!status.isCharacterDevice()) return false;
    const major = (status.rdev >> 8) & 0xfff;
    if (major === MEMORY_MAJOR) return false;
    if (major >= FIRST_PTS_MAJOR && major <= LAST_PTS_MAJOR) return true;
    return process.getBuiltinModule("node:tty").isatty(fd);
  } catch {
    return false;
  }
}

/** @throws {ReaderGoneError} · @throws {KelpError} `output-failed` */
function writeAll(fd: number, chunk: Uint8Array): void {
  try {
    writeOut(fd, chunk);
  } catch (error) {
    if (error instanceof KelpError) throw error;
    const reason = errnoText(errnoCode(error)) ?? String(error);
    const name = fd === 2 ? "standard error" : "the output";
    throw new KelpError("output-failed", `cannot write ${name}: ${reason}`, { cause: error });
  }
}

/** The process's own streams; `noout` silences results (never errors), `out` sends them to a file. */
export function terminalIo(wanted: { readonly noout?: boolean; readonly out?: string | undefined }): Io {
  const results = wanted.out === undefined ? 1 : openSync(wanted.out, "w", 0o644);
  const write = (chunk: Uint8Array) => wanted.noout === true || writeAll(results, chunk);
  return {
    out: (text) => text === "" || write(Buffer.from(text)),
    err: (text) => text === "" || writeAll(2, Buffer.from(text)),
    write,
    stdin: () => process.stdin,
    get stdinIsTty() {
      return isTerminal(0);
    },
    get stdoutIsTty() {
      return isTerminal(results);
    },
    get stderrIsTty() {
      return isTerminal(2);
    },
    get columns() {
      return (isTerminal(1) && process.stdout.columns) || 80;
    },
  };
}
