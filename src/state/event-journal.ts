/** Reading events back from the journal, through journalctl. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { HostError } from "../base/index.ts";
import { findProgram } from "../host/index.ts";
import type { FollowEvents, LoggedEvent } from "./event-log.ts";
import { JOURNAL_IDENTIFIER, parseJournalEvent } from "./journal-entry.ts";

const TICK_MS = 250;

/** What the journal has of this user's events, oldest first. */
export function readJournalEvents(): AsyncGenerator<LoggedEvent> {
  return events(start(["--lines=all"]));
}

/** Like `readJournalEvents`, then those to come until `until`. */
export async function* followJournalEvents({
  onlyNew,
  until,
  isWanted,
}: FollowEvents): AsyncGenerator<LoggedEvent> {
  const child = start(["--follow", onlyNew ? "--lines=0" : "--lines=all"]);
  const timer = setInterval(() => {
    if (Date.now() >= (until ?? Number.POSITIVE_INFINITY) || isWanted?.() === false) child.kill();
  }, TICK_MS);
  try {
    yield* events(child);
  } finally {
    clearInterval(timer);
    child.kill();
  }
}

function start(words: readonly string[]): ChildProcess {
  const program = findProgram("journalctl");
  if (program === undefined) {
    throw new HostError("no-journalctl", "cannot read events: journalctl is not installed", {
      hint: "they are kept in the journal; --events-backend file keeps further ones in a file",
    });
  }
  const match = [`SYSLOG_IDENTIFIER=${JOURNAL_IDENTIFIER}`, `_UID=${process.getuid!()}`];
  const all = ["--output=json", "--all", "--no-pager", "--quiet", ...words, ...match];
  return spawn(program, all, { stdio: ["ignore", "pipe", "ignore"] });
}

async function* events(child: ChildProcess): AsyncGenerator<LoggedEvent> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const event = parseJournalEvent(line);
    if (event !== undefined) yield event;
  }
}
