/** The lines that a monitor appends to the log of events: ready but for what only it will know. */
import { eventLine, journalEntry, type NewEvent } from "../state/index.ts";
import type { EventPlan, MonitorConfig } from "./monitor-config.ts";
import type { PlanBuilder } from "./plan-builder.ts";

/** What holdfast can put in: times and output as text, a status, whether memory ran out, failed checks in a row. */
const FIELDS = ["time", "begun", "output", "code", "oom", "failing"] as const;
type Field = (typeof FIELDS)[number];
type Values = Readonly<Record<string, unknown>>;
const TEXTS: ReadonlySet<Field> = new Set(["time", "begun", "output"]);

/** The record `events`. */
export function lowerEvents(plan: PlanBuilder, { events, client, hold }: MonitorConfig): void {
  if (events === undefined) return;
  const line = (status: string, more?: (mark: (field: Field) => unknown) => Values) =>
    template(events, { ...events.base, status }, more);
  const joined = events.isJournal ? separated : appended;
  const started = joined(line("init"), line("start"));
  // Who held it has told of its first part.
  const first = hold === true ? line("start") : started;
  plan.add("config", "events", {
    path: events.path,
    journal: events.isJournal ? 1 : 0,
    maxBytes: BigInt(Math.max(0, events.maxBytes)),
    start: client.attach ? joined(first, line("attach")) : first,
    again: joined(line("restart"), started),
    died: joined(
      line("died", (mark) => ({ ContainerExitCode: mark("code"), OOMKilled: mark("oom") })),
      line("cleanup"),
    ),
  });
}

/** The lines that follow a health check, for each of its states. @param hasResult they tell what the check said, too */
export function healthLines(events: EventPlan | undefined, hasResult: boolean) {
  const result = (mark: (field: Field) => unknown) => ({
    HealthLog: { Start: mark("begun"), End: mark("time"), ExitCode: mark("code"), Output: mark("output") },
  });
  const line = (word: string) =>
    events === undefined
      ? []
      : template(events, { ...events.base, status: "health_status" }, (mark) => ({
          HealthStatus: word,
          HealthFailingStreak: mark("failing"),
          ...(hasResult ? result(mark) : {}),
        }));
  return { starting: line("starting"), healthy: line("healthy"), unhealthy: line("unhealthy") };
}

/** The last line of a container that its monitor removes. */
export function lowerRemoveEvent(plan: PlanBuilder, { events }: MonitorConfig): void {
  if (events === undefined) return;
  const { path, maxBytes, base } = events;
  const args = {
    path,
    journal: events.isJournal ? 1 : 0,
    maxBytes: BigInt(Math.max(0, maxBytes)),
    line: template(events, { ...base, status: "remove" }),
  };
  plan.add("vanish", "event", args, { origin: "--rm" });
}

/**
 * Text and names of fields by turns, beginning and ending with text. The marks that stand for fields while the line is
 * made grow until nothing of the container's contains them.
 */
function template(
  { isJournal = false }: Pick<EventPlan, "isJournal">,
  event: NewEvent,
  more: (mark: (field: Field) => unknown) => Values = () => ({}),
): string[] {
  const write = isJournal ? journalEntry : fileLine;
  const plain = write(
    event,
    "",
    more(() => ""),
  );
  let tail = "";
  while (FIELDS.some((field) => plain.includes(`<${field}${tail}>`))) tail += "'";
  const mark = (field: Field) => `<${field}${tail}>`;
  const line = write(event, mark("time"), more(mark));
  const pieces: string[] = [];
  let rest = line;
  for (;;) {
    const next = FIELDS.map((field) => ({ field, at: rest.indexOf(mark(field)) }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at - b.at)[0];
    if (next === undefined) return [...pieces, rest];
    const { field, at } = next;
    const after = at + mark(field).length;
    // In JSON a text stays in its quotes, a number loses them.
    const quote = rest[at - 1] === '"' && rest[after] === '"' && !TEXTS.has(field) ? 1 : 0;
    pieces.push(rest.slice(0, at - quote), field);
    rest = rest.slice(after + quote);
  }
}

/** Two templates one after the other: the last text of the one is the beginning of the other's first. */
function appended(first: readonly string[], second: readonly string[]): string[] {
  return [...first.slice(0, -1), `${first.at(-1)}${second[0]}`, ...second.slice(1)];
}

/** Two entries of a journal: each is sent by itself. */
function separated(first: readonly string[], second: readonly string[]): string[] {
  return [...first, "next", ...second];
}

function fileLine(event: NewEvent, time: string, more: Values): string {
  return `${eventLine(event, time, more)}\n`;
}
