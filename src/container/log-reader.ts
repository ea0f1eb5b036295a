/** A container's log over all its rotated files, once or for as long as the container runs. */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { ChangeSignal } from "../host/index.ts";
import { type LogEntry, type LogReader, openLog } from "./log-file.ts";

export interface LogQuery {
  /** The last so many lines only; undefined: all. */
  readonly tail?: number;
  /** Milliseconds since the epoch. */
  readonly since?: number;
  readonly until?: number;
}

export interface FollowQuery extends LogQuery {
  /** Asked whenever nothing new was found; false ends the reading after a last look. */
  isRunning(): boolean;
}

/** Rotated files beside the log, `path.1` being the newest of them. */
const MAX_ROTATED = 100;
/** A change is told by inotify; this is for the file systems and moments where it is not. */
const TICK_MS = 500;

/** Entries in the order in which they were written; the current file's reader stays open for `followLog`. */
export function* readLog(path: string, query: LogQuery): Generator<LogEntry> {
  const files = [...rotatedFiles(path), path];
  const entries = query.tail === undefined ? allEntries(files) : tailEntries(files, query.tail);
  for (const entry of entries) if (isWithin(entry, query)) yield entry;
}

/** Like `readLog`, then everything that is written until the container has ended or `until` has come. */
export async function* followLog(path: string, query: FollowQuery): AsyncGenerator<LogEntry> {
  const log = new FollowedLog(path);
  const change = new ChangeSignal(dirname(path));
  try {
    for (const entry of log.initial(query.tail)) if (isWithin(entry, query)) yield entry;
    for (;;) {
      const running = query.isRunning();
      for (const entry of log.fresh()) if (isWithin(entry, query)) yield entry;
      const left = (query.until ?? Number.POSITIVE_INFINITY) - Date.now();
      if (!running || left <= 0) return;
      await change.next(Math.min(TICK_MS, left));
    }
  } finally {
    change.close();
    log.close();
  }
}

/** The newest file of a log, and its successor when it is rotated. */
class FollowedLog {
  readonly #path: string;
  #reader: LogReader | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#reader = openLog(path);
  }

  initial(tail: number | undefined): Iterable<LogEntry> {
    const older = rotatedFiles(this.#path);
    if (tail === undefined) return allEntries(older);
    const newest = this.#reader?.tail(tail) ?? { entries: [], lines: 0 };
    return [...tailEntries(older, tail - newest.lines), ...newest.entries];
  }

  /** What was written since the last call, over the border of a rotation. */
  *fresh(): Generator<LogEntry> {
    this.#reader ??= openLog(this.#path);
    if (this.#reader === undefined) return;
    yield* this.#reader.read();
    while (wasRotated(this.#path, this.#reader.inode)) {
      yield* this.#reader.read();
      this.#reader.close();
      this.#reader = openLog(this.#path);
      if (this.#reader === undefined) return;
      yield* this.#reader.read();
    }
  }

  close(): void {
    this.#reader?.close();
  }
}

function* allEntries(files: readonly string[]): Generator<LogEntry> {
  for (const file of files) {
    const reader = openLog(file);
    if (reader === undefined) continue;
    try {
      yield* reader.read();
    } finally {
      reader.close();
    }
  }
}

function tailEntries(files: readonly string[], count: number): LogEntry[] {
  let entries: LogEntry[] = [];
  let left = count;
  for (const file of files.toReversed()) {
    if (left <= 0) break;
    const reader = openLog(file);
    if (reader === undefined) continue;
    const tail = reader.tail(left);
    reader.close();
    entries = [...tail.entries, ...entries];
    left -= tail.lines;
  }
  return entries;
}

/** Oldest first. */
function rotatedFiles(path: string): string[] {
  const files: string[] = [];
  for (let number = 1; number <= MAX_ROTATED; number++) {
    if (statSync(`${path}.${number}`, { throwIfNoEntry: false }) === undefined) break;
    files.unshift(`${path}.${number}`);
  }
  return files;
}

function wasRotated(path: string, inode: number): boolean {
  const now = statSync(path, { throwIfNoEntry: false });
  return now !== undefined && now.ino !== inode;
}

function isWithin(entry: LogEntry, query: LogQuery): boolean {
  if (query.since === undefined && query.until === undefined) return true;
  const time = Date.parse(entry.time.replace(/(\.\d{3})\d+/, "$1"));
  return (
    (query.since === undefined || time >= query.since) && (query.until === undefined || time <= query.until)
  );
}
