import { expect, test } from "bun:test";
import { humanBinarySize, humanSize, parseSize } from "../../../src/base/index.ts";

test.each([
  [0, "0B"],
  [999, "999B"],
  [1000, "1kB"],
  [12_345_678, "12.35MB"],
  [1_500_000_000, "1.5GB"],
  [3 * 1e15, "3PB"],
] as const)("humanSize(%p) is %p", (bytes, text) => {
  expect(humanSize(bytes)).toBe(text);
});

test("humanSize() takes precision and separator, as images prints it", () => {
  expect(humanSize(12_345_678, { precision: 3, separator: " " })).toBe("12.3 MB");
});

test("humanBinarySize() counts in powers of 1024", () => {
  expect(humanBinarySize(64 * 1024 * 1024)).toBe("64MiB");
});

test.each([
  ["0", 0],
  ["1024", 1024],
  ["10b", 10],
  ["64k", 65536],
  ["64KB", 65536],
  ["64KiB", 65536],
  ["1.5g", 1.5 * 2 ** 30],
  ["10 MB", 10 * 2 ** 20],
  ["2t", 2 * 2 ** 40],
  ["0.5k", 512],
] as const)("parseSize(%p) is %p bytes", (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(["", "k", "-1", "1x", "1 2", "1e3", "ten", "99999999999999999999g", "1kbb"])(
  "parseSize(%p) is refused",
  (text) => {
    expect(() => parseSize(text)).toThrow(`invalid size: '${text}'`);
  },
);
