/** Reading the log of events, once or for as long as somebody listens. */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { ChangeSignal } from "../host/index.ts";

/** An event as it was written down. Names are those of the file. */
export interface LoggedEvent {
  readonly ContainerExitCode?: number;
  readonly ContainerInspectData?: string;
  readonly ID?: string;
  readonly Image?: string;
  readonly Name?: string;
  readonly Network?: string;
  readonly Status: string;
  /** RFC 3339. */
  readonly Time: string;
  readonly Type: string;
  readonly HealthStatus?: string;
  readonly HealthFailingStreak?: number;
  /** What the check said, where events are to tell that. */
  readonly HealthLog?: {
    readonly Start: string;
    readonly End: string;
    readonly ExitCode: number;
    readonly Output: string;
  };
  readonly Error?: string;
  readonly OOMKilled?: boolean;
  readonly PodID?: string;
  readonly Attributes: Readonly<Record<string, string>> | null;
}

export interface FollowEvents {
  /** Events that are there already are left out. */
  readonly onlyNew: boolean;
  /** Milliseconds since the epoch; absent: for ever. */
  readonly until?: number | undefined;
  /** Asked now and then; false: nobody is there any more to whom they could be told. */
  readonly isWanted?: () => boolean;
}

const CHUNK = 65536;
const TICK_MS = 500;

/** What is in the log now, oldest first. A line that is none (half written before a power cut) is passed over. */
export function* readEvents(path: string): Generator<LoggedEvent> {
  for (const file of [`${path}.1`, path]) {
    const reader = EventFile.open(file);
    if (reader === undefined) continue;
    try {
      yield* reader.read();
    } finally {
      reader.close();
    }
  }
}

/** Like `readEvents`, then everything that is appended until `until`, over the border of a rotation. */
export async function* followEvents(
  path: string,
  { onlyNew, until, isWanted }: FollowEvents,
): AsyncGenerator<LoggedEvent> {
  let file = EventFile.open(path);
  if (onlyNew) file?.skip();
  else yield* oldEvents(path);
  const changes = new ChangeSignal(dirname(path));
  const end = until ?? Number.POSITIVE_INFINITY;
  try {
    for (;;) {
      file ??= EventFile.open(path);
      if (file !== undefined) yield* file.read();
      if (file?.wasReplaced(path)) {
        yield* file.read();
        const last = file.lastLine;
        file.close();
        file = EventFile.open(path);
        if (file !== undefined) yield* file.readAfter(last);
      }
      const left = end - Date.now();
      if (left <= 0 || isWanted?.() === false) return;
      await changes.next(Math.min(TICK_MS, left));
    }
  } finally {
    changes.close();
    file?.close();
  }
}

function* oldEvents(path: string): Generator<LoggedEvent> {
  const file = EventFile.open(`${path}.1`);
  if (file === undefined) return;
  yield* file.read();
  file.close();
}

class EventFile {
  readonly #fd: number;
  #offset = 0;
  #rest: Buffer = Buffer.alloc(0);
  #last = "";

  private constructor(fd: number) {
    this.#fd = fd;
  }

  static open(path: string): EventFile | undefined {
    const isFile = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
    return isFile ? new EventFile(openSync(path, "r")) : undefined;
  }

  get lastLine(): string {
    return this.#last;
  }

  close(): void {
    closeSync(this.#fd);
  }

  skip(): void {
    for (const _ of this.#lines());
  }

  wasReplaced(path: string): boolean {
    const now = statSync(path, { throwIfNoEntry: false });
    return now !== undefined && now.ino !== fstatSync(this.#fd).ino;
  }

  *read(): Generator<LoggedEvent> {
    for (const line of this.#lines()) {
      const event = parseEvent(line);
      if (event !== undefined) yield event;
    }
  }

  /** What comes after a line, which a rotation has carried over; everything if it is not there. */
  *readAfter(last: string): Generator<LoggedEvent> {
    const lines = [...this.#lines()];
    const index = lines.lastIndexOf(last);
    for (const line of lines.slice(index + 1)) {
      const event = parseEvent(line);
      if (event !== undefined) yield event;
    }
  }

  *#lines(): Generator<string> {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const count = readSync(this.#fd, chunk, 0, CHUNK, this.#offset);
      if (count === 0) return;
      this.#offset += count;
      const data = Buffer.concat([this.#rest, chunk.subarray(0, count)]);
      const end = data.lastIndexOf(10) + 1;
      this.#rest = data.subarray(end);
      for (const line of data.toString("utf8", 0, end).split("\n")) {
        if (line === "") continue;
        this.#last = line;
        yield line;
      }
    }
  }
}

/** Undefined for what is no event; a whole one behind half of another is found. */
export function parseEvent(line: string): LoggedEvent | undefined {
  for (let start = line.indexOf("{"); start >= 0; start = line.indexOf("{", start + 1)) {
    try {
      const event = JSON.parse(line.slice(start)) as LoggedEvent;
      if (typeof event.Status === "string" && typeof event.Time === "string") return event;
    } catch {
      // The beginning of a torn line, or something inside it.
    }
    if (start > line.length - 2) break;
  }
  return undefined;
}
