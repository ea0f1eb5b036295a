/** Points in time as people give them to --since and --until. */
import { UsageError } from "../base/index.ts";

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Milliseconds since the epoch. A duration counts back from now for --since and forward for --until; a date without
 * a zone is local; digits alone (with a fraction) are seconds since the epoch.
 */
export function parseInputTime(text: string, direction: "since" | "until", now: number = Date.now()): number {
  const word = text.trim();
  if (/^\d+(\.\d+)?$/.test(word)) return Number(word) * 1000;
  const duration = parseGoDuration(word);
  if (duration !== undefined) return direction === "since" ? now - duration : now + duration;
  const date = parseDate(word);
  if (date === undefined) {
    throw new UsageError("invalid-time", `unable to interpret time value: ${JSON.stringify(text)}`, {
      hint: "Use a date such as 2026-01-31T12:00:00, seconds since 1970, or a duration such as 10m.",
    });
  }
  return date;
}

/** `1h2m3.5s` in milliseconds, undefined for anything else. */
export function parseGoDuration(text: string): number | undefined {
  const match = /^([+-]?)((?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h|d))+)$/.exec(text);
  if (match === null) return undefined;
  let total = 0;
  for (const [, amount, unit] of match[2]!.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h|d)/g))
    total += Number(amount) * UNITS[unit!]!;
  return match[1] === "-" ? -total : total;
}

function parseDate(text: string): number | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2})?(\.\d+|,\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/.exec(
    text,
  );
  if (match === null) return undefined;
  const [, day, clock = "00:00", seconds = ":00", fraction = "", zone = ""] = match;
  const millis = Number(`0${fraction.replace(",", ".") || ".0"}`) * 1000;
  const offset = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
  const base = Date.parse(`${day}T${clock}${seconds}${offset}`);
  return Number.isNaN(base) ? undefined : base + millis;
}
