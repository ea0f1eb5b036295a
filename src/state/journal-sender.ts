/** Sending events to the journal. */
import { loadLibc } from "../host/index.ts";
import { eventTime, JOURNAL_SOCKET, type NewEvent } from "./events.ts";
import { journalEntry } from "./journal-entry.ts";

export function sendToJournal(event: NewEvent): void {
  loadLibc().sendDatagram(Buffer.from(`${JOURNAL_SOCKET}\0`), Buffer.from(journalEntry(event, eventTime())));
}
