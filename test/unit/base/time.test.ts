import { expect, test } from "bun:test";
import {
  ago,
  formatDuration,
  humanDuration,
  parseDuration,
  parseTime,
  parseUntil,
} from "../../../src/base/index.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.each([
  [0, "Less than a second"],
  [999, "Less than a second"],
  [SECOND, "1 second"],
  [5 * SECOND, "5 seconds"],
  [59 * SECOND, "59 seconds"],
  [MINUTE, "About a minute"],
  [2 * MINUTE, "2 minutes"],
  [59 * MINUTE + 59 * SECOND, "59 minutes"],
  [HOUR, "About an hour"],
  [89 * MINUTE, "About an hour"],
  [90 * MINUTE, "2 hours"],
  [47 * HOUR, "47 hours"],
  [2 * DAY, "2 days"],
  [13 * DAY, "13 days"],
  [14 * DAY, "2 weeks"],
  [59 * DAY, "8 weeks"],
  [60 * DAY, "2 months"],
  [729 * DAY, "24 months"],
  [730 * DAY, "2 years"],
] as const)("humanDuration(%p ms) is %p", (span, text) => {
  expect(humanDuration(span)).toBe(text);
});

test("ago() counts back from now", () => {
  expect(ago(1000, 1000 + 2 * MINUTE)).toBe("2 minutes ago");
  expect(ago(5000, 1000)).toBe("Less than a second ago");
});

test.each([
  ["0", 0],
  ["1s", 1e9],
  ["1h30m", 5400e9],
  ["-1.5s", -1.5e9],
  ["500ms", 5e8],
  [".5s", 5e8],
  ["1µs", 1000],
  ["1us2ns", 1002],
] as const)("parseDuration(%p) is %p ns", (text, span) => {
  expect(parseDuration(text)).toBe(span);
});

test("parseDuration() complains in Go's words", () => {
  expect(() => parseDuration("10")).toThrow('time: missing unit in duration "10"');
  expect(() => parseDuration("ten")).toThrow('time: invalid duration "ten"');
  expect(() => parseDuration("")).toThrow('time: invalid duration ""');
  expect(() => parseDuration("1s 2s")).toThrow("invalid duration");
});

test.each(["0s", "1ns", "1.5µs", "250ms", "1.5s", "1m0s", "1h30m0s", "-2m3s"])(
  "formatDuration() spells %p as Go does",
  (text) => {
    expect(formatDuration(parseDuration(text))).toBe(text);
  },
);

test("parseTime() reads RFC 3339 with and without zone and fraction", () => {
  expect(parseTime("2026-01-02T03:04:05Z")).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
  expect(parseTime("2026-01-02T03:04:05.25+02:00")).toBe(Date.UTC(2026, 0, 2, 1, 4, 5, 250));
  expect(parseTime("2026-01-02")).toBe(new Date(2026, 0, 2).getTime());
  expect(parseTime("2026-01-02 03:04")).toBe(new Date(2026, 0, 2, 3, 4).getTime());
});

test("parseUntil() takes a duration as one from now on, and everything else as parseTime() does", () => {
  expect(parseUntil("10m", 1e9)).toBe(1e9 + 600_000);
  expect(parseUntil("-10m", 1e9)).toBe(1e9 - 600_000);
  expect(parseUntil("1136073600.5", 1e9)).toBe(1136073600500);
  expect(parseUntil("0", 1e9)).toBe(0);
  expect(parseUntil("2026-01-02T03:04:05Z", 1e9)).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
  expect(() => parseUntil("soon", 1e9)).toThrow("neither a date nor a duration");
});
test("parseTime() reads Unix seconds and how long ago", () => {
  expect(parseTime("1136073600.5")).toBe(1136073600500);
  expect(parseTime("10m", 1e9)).toBe(1e9 - 600_000);
  expect(parseTime("-1h", 1e9)).toBe(1e9 + 3_600_000);
});

test.each(["", "yesterday", "2026-02-30", "2026-13-01", "2026-01-02T25:00:00Z"])(
  "parseTime(%p) is refused",
  (text) => {
    expect(() => parseTime(text)).toThrow("cannot parse time");
  },
);
