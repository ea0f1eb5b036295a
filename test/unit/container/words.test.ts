import { expect, test } from "bun:test";
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
