/**
 * The log files a monitor writes, as entries: lines `TIME STREAM F|P TEXT`. Nothing here follows a link: a log is opened with O_NOFOLLOW, and only a regular file is read.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

export interface LogEntry {
  /** As in the file, with nanoseconds and zone. */
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** The line goes on in the next entry of the same stream. */
  readonly partial: boolean;
  readonly text: Buffer;
}

const CHUNK = 65536;
const NEWLINE = 10;

/** An open log; `undefined` where there is none. The caller closes it. */
export function openLog(path: string): LogReader | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (fstatSync(fd).isFile()) return new LogReader(fd);
    closeSync(fd);
  } catch {
    // No log yet, or something in its place that is not ours.
  }
  return undefined;
}

/** Reads whole lines; what follows the last newline is kept until the rest of it has been written. */
export class LogReader {
  readonly #fd: number;
  #offset = 0;
  #rest: Buffer = Buffer.alloc(0);

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Tells whether `path` still names this file; a rotated log does not. */
  get inode(): number {
    return fstatSync(this.#fd).ino;
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Everything complete that has not been read yet. */
  *read(): Generator<LogEntry> {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const count = readSync(this.#fd, chunk, 0, CHUNK, this.#offset);
      if (count === 0) return;
      this.#offset += count;
      const data =
        this.#rest.length === 0
          ? chunk.subarray(0, count)
          : Buffer.concat([this.#rest, chunk.subarray(0, count)]);
      yield* parseLines(data);
      this.#rest = data.subarray(data.lastIndexOf(NEWLINE) + 1);
    }
  }

  /**
   * The entries of the last `count` lines as a person sees them (partial entries belong to the full one that
   * ends them); reading goes on behind them. The file is read from its end, in windows that grow.
   */
  tail(count: number): { entries: LogEntry[]; lines: number } {
    const size = fstatSync(this.#fd).size;
    for (let window = Math.min(CHUNK, size); ; window = Math.min(window * 4, size)) {
      const data = this.#window(size - window, window);
      const start = window === size ? 0 : data.indexOf(NEWLINE) + 1;
      const entries = parseLines(data.subarray(start));
      const tail = lastLines(entries, count);
      if (tail.index > 0 || window === size) {
        this.#offset = size;
        this.#rest = data.subarray(data.lastIndexOf(NEWLINE) + 1);
        return { entries: entries.slice(tail.index), lines: tail.lines };
      }
    }
  }

  #window(from: number, length: number): Buffer {
    const data = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const count = readSync(this.#fd, data, filled, length - filled, from + filled);
      if (count === 0) break;
      filled += count;
    }
    return data.subarray(0, filled);
  }
}

function parseLines(data: Buffer): LogEntry[] {
  const entries: LogEntry[] = [];
  let start = 0;
  for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, start)) {
    const entry = parseLine(data.subarray(start, end));
    start = end + 1;
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** Where the last `count` lines begin, and how many there are at most `count`. */
function lastLines(entries: readonly LogEntry[], count: number): { index: number; lines: number } {
  let lines = 0;
  for (let index = entries.length - 1; index >= 0; index--) {
    if (!entries[index]!.partial || index === entries.length - 1) {
      if (lines === count) return { index: index + 1, lines };
      lines += 1;
    }
  }
  return { index: 0, lines };
}

/** One line without its newline; undefined if it is no log line (a torn write before a power cut). */
export function parseLine(line: Buffer): LogEntry | undefined {
  const first = line.indexOf(32);
  const second = line.indexOf(32, first + 1);
  const third = line.indexOf(32, second + 1);
  if (first <= 0 || second <= first || third <= second) return undefined;
  const stream = line.toString("latin1", first + 1, second);
  const flag = line.toString("latin1", second + 1, third);
  if ((stream !== "stdout" && stream !== "stderr") || !/^[FP]/.test(flag)) return undefined;
  return {
    time: line.toString("latin1", 0, first),
    stream,
    partial: flag.startsWith("P"),
    text: line.subarray(third + 1),
  };
}
