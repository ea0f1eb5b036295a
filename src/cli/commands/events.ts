import { KelpError, log, parseTime, parseUntil, ReaderGoneError, UsageError } from "../../base/index.ts";
import {
  type Context,
  eventJournal,
  eventLogPath,
  type FollowEvents,
  followEvents,
  type LoggedEvent,
  openContext,
  readEvents,
  usesJournal,
} from "../../state/index.ts";
import { defineCommand, type Io } from "../command.ts";
import { eventFilter } from "../event-filters.ts";
import { eventFields, eventJson, eventMilliseconds, eventText } from "../event-row.ts";
import { stdoutReader } from "../reader.ts";

export default defineCommand({
  paths: [["events"], ["system", "events"]],
  summary: "Show what happens to containers, images, volumes and networks",
  description:
    "Prints events as they come; with --since or --until those of the past first, and without --stream only those.",
  usage: "[options]",
  examples: [
    ["kelp events --since 1h --stream=false", "What has happened in the last hour"],
    ["kelp events --filter container=web --filter event=health_status", "Follow a container's health"],
  ],
  options: {
    filter: { kind: "list", short: "f", value: "KEY=VALUE", text: "Only events that match" },
    format: {
      kind: "string",
      value: "FORMAT",
      text: "Print as json lines or by a Go template",
      completes: ["json"],
    },
    "no-trunc": { kind: "boolean", default: true, text: "Print whole IDs" },
    since: { kind: "string", value: "TIME", text: "Only events since then" },
    stream: { kind: "boolean", default: true, text: "Go on with what comes" },
    until: { kind: "string", value: "TIME", text: "Only events before then; 10m: in ten minutes" },
  },
  args: { min: 0, max: 0, completes: "none" },
  async run({ io, options, globals }) {
    const ctx = await openContext(globals);
    if (ctx.settings.eventsLogger === "none")
      throw new UsageError("no-events", 'cannot read events with the "none" backend');
    const filter = eventFilter(options.filter);
    const since = readTime(options.since, parseTime);
    const until = readTime(options.until, parseUntil);
    const print = await printer(io, options.format, options["no-trunc"]);
    const show = (event: LoggedEvent) => {
      const time = eventMilliseconds(event);
      const isWanted = (since === undefined || time >= since) && (until === undefined || time <= until);
      if (isWanted && filter(event)) print(event);
    };
    const isPast = until !== undefined && until <= Date.now();
    if (!options.stream || isPast) for await (const event of keptEvents(ctx)) show(event);
    else {
      const onlyNew = since === undefined && until === undefined;
      const isRead = await stdoutReader();
      for await (const event of comingEvents(ctx, { onlyNew, until, isWanted: isRead })) show(event);
      if (!isRead()) throw new ReaderGoneError();
    }
    return 0;
  },
});

async function* keptEvents(ctx: Context): AsyncGenerator<LoggedEvent> {
  if (inJournal(ctx)) yield* (await eventJournal()).readJournalEvents();
  else yield* readEvents(eventLogPath(ctx));
}

async function* comingEvents(ctx: Context, following: FollowEvents): AsyncGenerator<LoggedEvent> {
  if (inJournal(ctx)) yield* (await eventJournal()).followJournalEvents(following);
  else yield* followEvents(eventLogPath(ctx), following);
}

function inJournal(ctx: Context): boolean {
  const isThere = usesJournal(ctx);
  if (!isThere && ctx.settings.eventsLogger === "journald")
    log.warn(`there is no journal here: events are kept in ${eventLogPath(ctx)}`);
  return isThere;
}

function readTime(text: string | undefined, parse: (text: string) => number): number | undefined {
  if (text === undefined || text === "") return undefined;
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof KelpError)) throw cause;
    throw new UsageError("invalid-time", `failed to parse event filters: ${cause.message}`, { cause });
  }
}

async function printer(
  io: Io,
  format: string | undefined,
  noTrunc: boolean,
): Promise<(event: LoggedEvent) => void> {
  if (format === undefined || format === "") return (event) => io.out(`${eventText(event, !noTrunc)}\n`);
  if (format === "json" || format === "{{json .}}") return (event) => io.out(`${eventJson(event)}\n`);
  const { goMap, renderList } = await import("../template.ts");
  return (event) => {
    const fields = eventFields(event);
    goMap(fields.Attributes);
    const text = renderList(format, [fields], { name: "events", type: "*events.Event", noHeading: true });
    if (typeof text === "string") io.out(text);
  };
}
