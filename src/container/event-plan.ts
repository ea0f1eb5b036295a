/** Where a container's monitor writes events down, and what all of them have in common. */
import type { EventPlan } from "../runtime/index.ts";
import {
  type ContainerRecord,
  type Context,
  containerEvent,
  eventLogPath,
  JOURNAL_SOCKET,
  keepsEvents,
  usesJournal,
} from "../state/index.ts";

/** Undefined where nothing is written down. */
export function eventPlan(ctx: Context, record: ContainerRecord): EventPlan | undefined {
  if (!keepsEvents(ctx)) return undefined;
  const { status: _status, ...base } = containerEvent("", record);
  const isJournal = usesJournal(ctx);
  const path = isJournal ? JOURNAL_SOCKET : eventLogPath(ctx);
  return { path, isJournal, maxBytes: ctx.settings.eventsLogMax, base };
}
