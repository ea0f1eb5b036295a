/** Events as `events` prints them: podman's line, template fields and JSON. */
import { escapeControl, escapeJson } from "../base/index.ts";
import type { LoggedEvent } from "../state/index.ts";

const ID_WIDTH = 12;

/** One line for people, in podman's order of words. */
export function eventText(event: LoggedEvent, truncated: boolean): string {
  return escapeControl(words(event, truncated));
}

function words(event: LoggedEvent, truncated: boolean): string {
  const { Type: type, Status: status, Name: name = "" } = event;
  const id = truncated ? (event.ID ?? "").slice(0, ID_WIDTH) : (event.ID ?? "");
  const head = `${goTime(event.Time)} ${type} ${status}`;
  switch (type) {
    case "container":
    case "pod":
      return `${head} ${id} (${details(event).join(", ")})`;
    case "network":
      return `${head} ${id} (${networkDetails(event).join(", ")})`;
    case "image":
      return `${head} ${id} ${name}${event.Error === undefined ? "" : ` ${event.Error}`}`;
    case "secret":
      return `${head} ${id}`;
    default:
      return name === "" ? head : `${head} ${name}`;
  }
}

/** What happens to a network has its driver; what happens to a container on one has that container. */
function networkDetails({ ID = "", Network = "", Attributes }: LoggedEvent): string[] {
  const type = Attributes?.type;
  return type === undefined ? [`container=${ID}`, `name=${Network}`] : [`name=${Network}`, `type=${type}`];
}

function details(event: LoggedEvent): string[] {
  const labels = Object.entries(event.Attributes ?? {}).map(([key, value]) => `${key}=${value}`);
  return [
    `image=${event.Image ?? ""}`,
    `name=${event.Name ?? ""}`,
    ...(event.HealthStatus === undefined ? [] : [`health_status=${event.HealthStatus}`]),
    ...(event.HealthFailingStreak === undefined
      ? []
      : [`health_failing_streak=${event.HealthFailingStreak}`]),
    ...(event.HealthLog === undefined ? [] : [`health_log=${healthLog(event)}`]),
    ...labels,
  ];
}

/** podman's form: JSON in a string. */
function healthLog({ HealthLog: result }: LoggedEvent): string | undefined {
  return result === undefined ? undefined : JSON.stringify(result);
}

/** Go's String() of a time in the local zone, with the digits it has. */
function goTime(text: string): string {
  const date = new Date(text);
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString();
  const fraction = (/\.(\d+)/.exec(text)?.[1] ?? "").replace(/0+$/, "");
  const sign = offset < 0 ? "-" : "+";
  const pair = (value: number) => String(Math.floor(Math.abs(value))).padStart(2, "0");
  const zone = `${sign}${pair(offset / 60)}`;
  const name = offset === 0 ? "UTC" : zone;
  return `${local.slice(0, 10)} ${local.slice(11, 19)}${fraction === "" ? "" : `.${fraction}`} ${zone}${pair(offset % 60)} ${name}`;
}

/** Milliseconds since the epoch. */
export function eventMilliseconds({ Time: time }: LoggedEvent): number {
  return Date.parse(time.replace(/(\.\d{3})\d+/, "$1"));
}

function nanoseconds(event: LoggedEvent): bigint {
  const fraction = (/\.(\d+)/.exec(event.Time)?.[1] ?? "").padEnd(9, "0").slice(0, 9);
  return BigInt(Math.floor(eventMilliseconds(event) / 1000)) * 1_000_000_000n + BigInt(fraction);
}

/** What a template may name. */
export function eventFields(event: LoggedEvent) {
  return {
    ContainerExitCode: event.ContainerExitCode ?? null,
    ContainerInspectData: event.ContainerInspectData ?? "",
    ID: event.ID ?? "",
    Image: event.Image ?? "",
    Name: event.Name ?? "",
    Network: event.Network ?? "",
    Status: event.Status,
    Time: event.Time,
    TimeNano: nanoseconds(event),
    Type: event.Type,
    HealthStatus: event.HealthStatus ?? "",
    HealthFailingStreak: event.HealthFailingStreak ?? 0,
    HealthLog: healthLog(event) ?? "",
    Error: event.Error ?? "",
    OOMKilled: event.OOMKilled ?? null,
    PodID: event.PodID ?? "",
    Attributes: { ...event.Attributes },
  };
}

/** One line of JSON, with podman's two forms of the time. */
export function eventJson(event: LoggedEvent): string {
  const {
    ContainerExitCode,
    OOMKilled,
    ID,
    Image,
    Name,
    Network,
    Status,
    Type,
    Error: error,
    ...rest
  } = event;
  const { HealthStatus, HealthFailingStreak, PodID, Attributes } = rest;
  const whole = nanoseconds(event);
  const text = JSON.stringify({
    ContainerExitCode,
    ContainerInspectData: event.ContainerInspectData,
    ID,
    Image,
    Name,
    network: Network,
    Status,
    time: Math.floor(eventMilliseconds(event) / 1000),
    timeNano: 0,
    Type,
    health_status: HealthStatus,
    health_failing_streak: HealthFailingStreak,
    health_log: healthLog(event),
    Error: error,
    OOMKilled,
    PodID,
    Attributes,
  });
  // More digits than a number of JavaScript has.
  return escapeJson(text).replace('"timeNano":0', `"timeNano":${whole}`);
}
