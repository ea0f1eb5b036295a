/** The table of operations is a wire format: a number means one thing. */
import { expect, test } from "bun:test";
import { OPS } from "../../../../src/runtime/plan/ops.ts";

test("no two operations share a number", () => {
  const names = new Map<number, string[]>();
  for (const [name, { code }] of Object.entries(OPS)) names.set(code, [...(names.get(code) ?? []), name]);
  expect([...names.values()].filter((sharers) => sharers.length > 1)).toEqual([]);
});
