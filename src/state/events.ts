/**
 * The log of what happened: one line of JSON for each event, in podman's file format, appended by kelp and by the
 * monitors. Nobody waits for a lock to append here; whoever finds the file too long shortens it.
 */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { errnoCode, log } from "../base/index.ts";
import { ensureDir, errnoText } from "../host/index.ts";
import type { Context } from "./context.ts";
import type { ContainerRecord } from "./records.ts";

export type EventType = "container" | "image" | "volume" | "network" | "secret" | "system";

/** An event that is about to be written down; empty fields are left out. */
export interface NewEvent {
  readonly type: EventType;
  /** podman's word for what happened. */
  readonly status: string;
  readonly id?: string;
  readonly name?: string;
  /** Name of a container's image. */
  readonly image?: string;
  readonly network?: string;
  readonly error?: string;
  /** JSON of a new container's inspection. */
  readonly inspectData?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

export function eventLogPath(ctx: Pick<Context, "paths" | "settings">): string {
  return ctx.settings.eventsLogPath || join(ctx.paths.data, "events.log");
}

/** Whether anything is written down at all. */
export function keepsEvents({ settings }: Pick<Context, "settings">): boolean {
  return settings.eventsLogger !== "none";
}

/** journald's, which takes what any user sends. */
export const JOURNAL_SOCKET = "/run/systemd/journal/socket";

/** Whether there is a journal on this machine. */
export function hasJournal(): boolean {
  return existsSync(JOURNAL_SOCKET);
}

/** Whether events go to the journal: it was asked for, and there is one. */
export function usesJournal({ settings }: Pick<Context, "settings">): boolean {
  return settings.eventsLogger === "journald" && hasJournal();
}

/** What reads them back; loaded by who does. */
export function eventJournal(): Promise<typeof import("./event-journal.ts")> {
  return import("./event-journal.ts");
}

let sendToJournal: ((event: NewEvent) => void) | undefined;

/** For who may write to the journal, as few do: what that needs is loaded here. */
export async function openJournal(): Promise<void> {
  ({ sendToJournal } = await import("./journal-sender.ts"));
}

/**
 * Appends one event. It never fails: an event that cannot be written (a full disk) is lost, and what it tells of has
 * happened all the same.
 */
export function writeEvent(ctx: Pick<Context, "paths" | "settings">, event: NewEvent): void {
  if (!keepsEvents(ctx)) return;
  const path = eventLogPath(ctx);
  try {
    if (sendToJournal !== undefined && usesJournal(ctx)) {
      sendToJournal(event);
      return;
    }
    ensureDir(dirname(path));
    append(path, `${eventLine(event, eventTime())}\n`, ctx.settings.eventsLogMax);
  } catch (error) {
    tellOnce(
      `events are lost: cannot write ${path}: ${errnoText(errnoCode(error)) ?? (error as Error).message}`,
    );
  }
}

let told = false;

/** Of the events of one command the first that is lost says it for all. */
function tellOnce(text: string): void {
  if (!told) log.warn(text);
  told = true;
}

/** One about a container: with its name, image and labels. */
export function writeContainerEvent(
  ctx: Pick<Context, "paths" | "settings">,
  status: string,
  record: ContainerRecord,
): void {
  writeEvent(ctx, containerEvent(status, record));
}

export function containerEvent(status: string, { id, name, config }: ContainerRecord): NewEvent {
  const image = config.imageName || config.rawImageName;
  return { type: "container", status, id, name, image, attributes: config.labels };
}

/** The line of an event without its newline; `more` are fields that podman puts first. */
export function eventLine(
  event: NewEvent,
  time: string,
  more: Readonly<Record<string, unknown>> = {},
): string {
  const { type, status, id, name, image, network, error, attributes } = event;
  return JSON.stringify({
    ...more,
    ...(event.inspectData ? { ContainerInspectData: event.inspectData } : {}),
    ...(id ? { ID: id } : {}),
    ...(image ? { Image: image } : {}),
    ...(name ? { Name: name } : {}),
    ...(network ? { Network: network } : {}),
    Status: status,
    Time: time,
    Type: type,
    ...(error ? { Error: error } : {}),
    Attributes: attributes === undefined || Object.keys(attributes).length === 0 ? null : attributes,
  });
}

/** RFC 3339 in UTC, with as many digits as the clock has. */
export function eventTime(milliseconds: number = performance.timeOrigin + performance.now()): string {
  const nanos = String(Math.round((milliseconds % 1000) * 1e6)).padStart(9, "0");
  return `${new Date(milliseconds).toISOString().slice(0, 19)}.${nanos}Z`;
}

/** O_APPEND makes each line whole; one that went into a file just put aside is written again. */
function append(path: string, line: string, maxBytes: number): void {
  const fd = openSync(path, "a", 0o600);
  try {
    writeSync(fd, line);
    const { ino, size } = fstatSync(fd);
    const now = statSync(path, { throwIfNoEntry: false });
    if (now?.ino !== ino) {
      if (!isThere(path, line)) append(path, line, 0);
    } else if (maxBytes > 0 && size > maxBytes) {
      // Rare, and it needs a lock: nothing of it is loaded before.
      void import("./event-rotation.ts").then(
        ({ rotateEvents }) => rotateEvents(path, maxBytes),
        () => {},
      );
    }
  } finally {
    closeSync(fd);
  }
}

function isThere(path: string, line: string): boolean {
  return [path, `${path}.1`].some(
    (file) =>
      statSync(file, { throwIfNoEntry: false }) !== undefined && readFileSync(file, "utf8").includes(line),
  );
}
