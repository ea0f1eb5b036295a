/** An event as an entry of the journal: podman's fields, in journald's native protocol. */
import type { LoggedEvent } from "./event-log.ts";
import type { NewEvent } from "./events.ts";

/** By it kelp's own events are found among all that the journal has. */
export const JOURNAL_IDENTIFIER = "kelp";

/** podman's names for what an event of the file has under others. */
const MORE = {
  ContainerExitCode: "PODMAN_EXIT_CODE",
  OOMKilled: "PODMAN_OOM_KILLED",
  HealthStatus: "PODMAN_HEALTH_STATUS",
  HealthFailingStreak: "PODMAN_HEALTH_FAILING_STREAK",
  HealthLog: "PODMAN_HEALTH_LOG",
} as const;

/** `NAME=value` lines; a value cannot hold a newline in this form. */
export function journalEntry(
  event: NewEvent,
  time: string,
  more: Readonly<Record<string, unknown>> = {},
): string {
  const { type, status, id, name, image, network, error, attributes } = event;
  const fields: Record<string, unknown> = {
    SYSLOG_IDENTIFIER: JOURNAL_IDENTIFIER,
    PRIORITY: 6,
    MESSAGE: [type, status, id, name].filter(Boolean).join(" "),
    PODMAN_EVENT: status,
    PODMAN_TYPE: type,
    PODMAN_TIME: time,
    PODMAN_ID: id,
    PODMAN_IMAGE: image,
    PODMAN_NAME: name,
    PODMAN_NETWORK_NAME: network,
    PODMAN_ERROR: error,
    PODMAN_CONTAINER_INSPECT_DATA: event.inspectData,
    PODMAN_LABELS:
      attributes === undefined || Object.keys(attributes).length === 0
        ? undefined
        : JSON.stringify(attributes),
  };
  for (const [key, field] of Object.entries(MORE)) fields[field] = more[key];
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([field, value]) => `${field}=${plainText(value).replaceAll("\n", " ")}\n`)
    .join("");
}

function plainText(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** One line of `journalctl --output=json`; undefined if it is no event of ours. */
export function parseJournalEvent(line: string): LoggedEvent | undefined {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const text = (name: string) => (typeof fields[name] === "string" ? (fields[name] as string) : undefined);
  const [status, type, time] = [text("PODMAN_EVENT"), text("PODMAN_TYPE"), text("PODMAN_TIME")];
  if (status === undefined || type === undefined || time === undefined) return undefined;
  const code = text("PODMAN_EXIT_CODE");
  const streak = text("PODMAN_HEALTH_FAILING_STREAK");
  const given = {
    ContainerInspectData: text("PODMAN_CONTAINER_INSPECT_DATA"),
    ID: text("PODMAN_ID"),
    Image: text("PODMAN_IMAGE"),
    Name: text("PODMAN_NAME"),
    Network: text("PODMAN_NETWORK_NAME"),
    Error: text("PODMAN_ERROR"),
    HealthStatus: text("PODMAN_HEALTH_STATUS"),
    HealthLog: readJson(text("PODMAN_HEALTH_LOG")),
    ContainerExitCode: code === undefined ? undefined : Number(code),
    HealthFailingStreak: streak === undefined ? undefined : Number(streak),
    OOMKilled: text("PODMAN_OOM_KILLED") === undefined ? undefined : text("PODMAN_OOM_KILLED") === "true",
  };
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(present),
    Status: status,
    Time: time,
    Type: type,
    Attributes: readJson<LoggedEvent["Attributes"]>(text("PODMAN_LABELS")) ?? null,
  };
}

function readJson<T>(text: string | undefined): T | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}
