import { expect, test } from "bun:test";
import { ellipsis, escapeControl, escapeJson, escapeLines } from "../../../src/base/index.ts";

test("escapeControl() leaves nothing a terminal could act on", () => {
  const hostile = "a\x1b[31mb\x9b2Jc\u202ed\x07e\rf\x00g\u2028h\u{e0041}i\u200fj\x7f";
  expect(escapeControl(hostile)).toBe(
    "a\\x1b[31mb\\x9b2Jc\\u202ed\\x07e\\rf\\x00g\\u2028h\\U000e0041i\\u200fj\\x7f",
  );
});

test("escapeJson() leaves the same strings for a reader of JSON, and nothing for a terminal", () => {
  const value = { "a\x9b\u202e": ["\x7f\u{e0041}\n", "é"] };
  const text = escapeJson(JSON.stringify(value, null, 2));
  expect(text).toBe('{\n  "a\\u009b\\u202e": [\n    "\\u007f\\udb40\\udc41\\n",\n    "é"\n  ]\n}');
  expect(JSON.parse(text)).toEqual(value);
});

test("escapeControl() keeps a table cell on its line", () => {
  expect(escapeControl("a\nb\tc")).toBe("a\\nb\\tc");
});

test("escapeLines() keeps newline and tab only", () => {
  expect(escapeLines("a\n\tb\x1b")).toBe("a\n\tb\\x1b");
});

test("escapeControl() leaves letters of every script and emoji alone", () => {
  const text = "größe 写真 עברית 🦦 é";
  expect(escapeControl(text)).toBe(text);
});

test("escapeControl() shows half a surrogate pair", () => {
  expect(escapeControl("a\ud800b")).toBe("a\\ud800b");
});

test("ellipsis() cuts between characters and marks the cut", () => {
  expect(ellipsis("sleep 100000", 8)).toBe("sleep 1…");
  expect(ellipsis("short", 5)).toBe("short");
  expect(ellipsis("🦦🦦🦦🦦", 3)).toBe("🦦🦦…");
});
