/** A container's output in the journal, read back through journalctl. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { HostError } from "../base/index.ts";
import { findProgram } from "../host/index.ts";
import type { LogEntry } from "./log-file.ts";
import type { FollowQuery, LogQuery } from "./log-reader.ts";

/** How long after the container's end the journal may still be taking in its last lines. */
const LINGER_MS = 300;
const TICK_MS = 250;
/** journald's priority of an error; everything else was standard output. */
const ERROR_PRIORITY = "3";

/** What the journal has of a container now. @param match `FIELD=VALUE` of the container's entries */
export function readJournal(match: string, query: LogQuery): AsyncGenerator<LogEntry> {
  return entries(startJournalctl(match, query, []));
}

/** Like `readJournal`, then what comes until the container has ended or `until` has come. */
export async function* followJournal(match: string, query: FollowQuery): AsyncGenerator<LogEntry> {
  const child = startJournalctl(match, query, ["--follow"]);
  const until = query.until ?? Number.POSITIVE_INFINITY;
  let ended = 0;
  const timer = setInterval(() => {
    const now = Date.now();
    if (ended === 0 && !query.isRunning()) ended = now;
    if (now >= until || (ended > 0 && now >= ended + LINGER_MS)) child.kill();
  }, TICK_MS);
  try {
    yield* entries(child);
  } finally {
    clearInterval(timer);
    child.kill();
  }
}

function startJournalctl(match: string, query: LogQuery, more: readonly string[]): ChildProcess {
  const program = findProgram("journalctl");
  if (program === undefined) {
    throw new HostError("no-journalctl", "cannot read the container's log: journalctl is not installed", {
      hint: "its driver is journald; create the container with --log-driver k8s-file",
    });
  }
  const words = ["--output=json", "--all", "--no-pager", "--quiet", ...more];
  // journalctl's --follow alone begins with the last ten lines.
  words.push(`--lines=${query.tail ?? "all"}`);
  if (query.since !== undefined) words.push(`--since=@${(query.since / 1000).toFixed(6)}`);
  if (query.until !== undefined && more.length === 0)
    words.push(`--until=@${(query.until / 1000).toFixed(6)}`);
  return spawn(program, [...words, match], { stdio: ["ignore", "pipe", "ignore"] });
}

async function* entries(child: ChildProcess): AsyncGenerator<LogEntry> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const entry = parseEntry(line);
    if (entry !== undefined) yield entry;
  }
}

interface JournalLine {
  /** Bytes where it is not UTF-8, null where it is too long for journalctl. */
  readonly MESSAGE?: string | readonly number[] | null;
  readonly PRIORITY?: string;
  readonly CONTAINER_PARTIAL_MESSAGE?: string;
  /** Microseconds. */
  readonly __REALTIME_TIMESTAMP?: string;
}

/** One line of `journalctl --output=json`; undefined if it says nothing. */
export function parseEntry(line: string): LogEntry | undefined {
  let fields: JournalLine;
  try {
    fields = JSON.parse(line) as JournalLine;
  } catch {
    return undefined;
  }
  const { MESSAGE: message, __REALTIME_TIMESTAMP: stamp } = fields;
  if (message === undefined || message === null || stamp === undefined) return undefined;
  return {
    time: microTime(stamp),
    stream: fields.PRIORITY === ERROR_PRIORITY ? "stderr" : "stdout",
    partial: fields.CONTAINER_PARTIAL_MESSAGE === "true",
    text: typeof message === "string" ? Buffer.from(message) : Buffer.from(message),
  };
}

function microTime(stamp: string): string {
  const seconds = new Date(Math.floor(Number(stamp) / 1000)).toISOString().slice(0, 19);
  return `${seconds}.${stamp.slice(-6)}000+00:00`;
}
