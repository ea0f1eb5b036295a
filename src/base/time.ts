/** Times and spans of time in the spellings of Go, RFC 3339 and people. */
import { UsageError } from "./errors.ts";

const SPAN_UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3, // U+00B5
  μs: 1e3, // U+03BC
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const SPAN = /^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const SPAN_PARTS = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;

/**
 * A Go duration (`1h30m`, `-1.5s`, `0`) in nanoseconds.
 *
 * @throws {UsageError} `invalid-duration`, in Go's words
 */
export function parseDuration(text: string): number {
  const body = text.replace(/^[+-]/, "");
  if (body === "0") return 0;
  if (!SPAN.test(body)) {
    const problem = /^\d*\.?\d+$|^\d+\.$/.test(body) ? "missing unit in duration" : "invalid duration";
    throw new UsageError("invalid-duration", `time: ${problem} ${JSON.stringify(text)}`, {
      hint: "write numbers with units, for example 1h30m or 500ms",
    });
  }
  let total = 0;
  for (const [, number, unit] of body.matchAll(SPAN_PARTS))
    total += Number(number) * (SPAN_UNITS[unit as string] as number);
  return Math.round(text.startsWith("-") ? -total : total);
}

/** A span in Go's spelling: `1h30m0s`, `1.5s`, `250ms`, `0s`. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  const sign = nanoseconds < 0 ? "-" : "";
  const span = Math.abs(nanoseconds);
  if (span < 1e3) return `${sign}${span}ns`;
  if (span < 1e6) return `${sign}${span / 1e3}µs`;
  if (span < 1e9) return `${sign}${span / 1e6}ms`;
  const hours = Math.floor(span / 3600e9);
  const minutes = Math.floor((span % 3600e9) / 60e9);
  const seconds = (span % 60e9) / 1e9;
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}

/** `Less than a second`, `5 seconds`, `About a minute`, `2 hours`, `3 weeks`: one unit, as podman prints it. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  return humanHours(milliseconds / 3_600_000);
}

function humanHours(exact: number): string {
  const hours = Math.floor(exact + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  const days = Math.floor(hours / 24);
  if (days < 14) return `${days} days`;
  if (days < 60) return `${Math.floor(days / 7)} weeks`;
  if (days < 730) return `${Math.floor(days / 30)} months`;
  return `${Math.floor(exact / 24 / 365)} years`;
}

/** `2 minutes ago`, for a time in milliseconds since the epoch. */
export function ago(time: number, now: number = Date.now()): string {
  return `${humanDuration(now - time)} ago`;
}

const CALENDAR =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)? ?(Z|UTC|[+-]\d{2}:?\d{2})?$/i;

/**
 * A point in time, in milliseconds since the epoch: RFC 3339 (also without zone, meaning the
 * local one, or a date alone), Unix seconds with an optional fraction, or a Go duration back
 * from `now` (`10m` is ten minutes ago, `-10m` in ten minutes).
 *
 * @throws {UsageError} `invalid-time`
 */
export function parseTime(text: string, now: number = Date.now()): number {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const calendar = CALENDAR.exec(text);
  const time = calendar === null ? relativeTime(text, now) : calendarTime(calendar);
  if (Number.isFinite(time)) return time;
  throw new UsageError(
    "invalid-time",
    `cannot parse time ${JSON.stringify(text)}: neither a date nor a duration`,
    {
      hint: "write 2006-01-02T15:04:05Z, seconds since 1970, or how long ago as in 10m",
    },
  );
}

/** An end of what is shown: like `parseTime`, but a duration leads on from `now`, as podman has it. */
export function parseUntil(text: string, now: number = Date.now()): number {
  const ahead = relativeTime(text, now);
  return Number.isFinite(ahead) ? 2 * now - ahead : parseTime(text, now);
}

function relativeTime(text: string, now: number): number {
  const body = text.replace(/^[+-]/, "");
  return SPAN.test(body) ? now - parseDuration(text) / 1e6 : Number.NaN;
}

function calendarTime(match: RegExpExecArray): number {
  const [, year, month, day, hour = "00", minute = "00", second = "00", fraction = "", zone = ""] = match;
  const offset = /^(z|utc)$/i.test(zone) ? "Z" : zone.replace(/^([+-]\d{2})(\d{2})$/, "$1:$2");
  // A date alone would be read as UTC, so the time of day is always spelt out.
  const whole = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`);
  // Date.parse moves 30 February to March; such a date was meant by nobody.
  if (Number(day) > new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()) return Number.NaN;
  return whole + Number(`0.${fraction || "0"}`) * 1000;
}

/** A time as Go writes it: fractions of a second only where there are any. */
export function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.?0*Z$/, "Z");
}
