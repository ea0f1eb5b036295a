import { expect, test } from "bun:test";
import { log, logs, parseLogLevel, startLog } from "../../../src/base/index.ts";

test("the log writes from its level on, one escaped line each", () => {
  expect(logs("error")).toBe(false);
  const lines: string[] = [];
  startLog("info", (line) => lines.push(line));
  log.debug("not this");
  log.warn('a "b"\n\x1b', { path: "/x/y", why: "two words", none: undefined });
  expect(logs("debug")).toBe(false);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^time="[^"]+" level=warning msg="a \\"b\\"\\n\\x1b" path=\/x\/y why="two words"\n$/,
  );
});

test("levels are read as podman reads them", () => {
  expect(parseLogLevel("WARNING")).toBe("warn");
  expect(parseLogLevel("trace")).toBe("trace");
  expect(parseLogLevel("loud")).toBeUndefined();
});
