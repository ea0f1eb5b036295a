import { expect, test } from "bun:test";
import { randomBelow, randomHex } from "../../../src/base/index.ts";

test("randomHex gives two lower-case hex digits a byte, others every time", () => {
  expect(randomHex(32)).toMatch(/^[0-9a-f]{64}$/);
  expect(randomHex(16)).not.toBe(randomHex(16));
  expect(randomHex(0)).toBe("");
});

test("randomBelow reaches every number below its limit and none above", () => {
  const seen = new Set(Array.from({ length: 500 }, () => randomBelow(7)));
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(randomBelow(1)).toBe(0);
  expect(randomBelow(2 ** 32)).toBeLessThan(2 ** 32);
});
