import { expect, test } from "bun:test";
import { parseInputTime } from "../../../src/container/input-time.ts";
import { checkContainerName } from "../../../src/container/name.ts";
import { parseSignal, signalName } from "../../../src/container/signal.ts";

test.each([
  ["9", 9],
  ["-1", 1],
  ["-INT", 2],
  ["FPE", 8],
  ["-SIGUSR1", 10],
  ["sigterm", 15],
  ["RTMIN+3", 37],
  ["64", 64],
  ["WINCH", 28],
])("signal %s is %d", (text, number) => expect(parseSignal(text as string)).toBe(number as number));
test.each(["0", "SIGBADSIG", "SIG", "%%", "!", "''", " ", "-0", "-"])("signal %s is refused", (text) => {
  expect(() => parseSignal(text)).toThrow(`invalid signal: ${text.replace(/^-/, "")}`);
});
test.each(["65", "-65", "96", "99999999"])("signal %s is out of range", (text) => {
  expect(() => parseSignal(text)).toThrow("valid signals are 1 through 64");
});
test("a signal's name goes there and back", () => {
  for (let number = 1; number < 32; number++) expect(parseSignal(signalName(number))).toBe(number);
});

test.each(["../x", "a/b", ".", "", "a\0", "a\n", "é", "x/", "-x"])("container name %j is refused", (name) => {
  expect(() => checkContainerName(name)).toThrow();
});
test("a leading slash is docker's and dropped", () =>
  expect(checkContainerName("/web_1.x-y")).toBe("web_1.x-y"));

test("times are durations, seconds since 1970, or dates", () => {
  expect(parseInputTime("10m", "since", 1_000_000)).toBe(400_000);
  expect(parseInputTime("-1s", "since", 1_000_000)).toBe(1_001_000);
  expect(parseInputTime("3s", "until", 1_000_000)).toBe(1_003_000);
  expect(parseInputTime("1000.5", "since")).toBe(1_000_500);
  expect(parseInputTime("2026-01-02T03:04:05.123456789Z", "since")).toBeCloseTo(
    Date.parse("2026-01-02T03:04:05.123Z"),
    0,
  );
  expect(parseInputTime("2026-01-02T03:04:05+02:00", "since")).toBe(Date.parse("2026-01-02T01:04:05Z"));
  expect(() => parseInputTime("yesterday", "since")).toThrow();
});
