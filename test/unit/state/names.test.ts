import { expect, test } from "bun:test";
import { isIdPrefix, newId, randomName } from "../../../src/state/index.ts";

test("ids are 64 hex digits and no short one looks like a number", () => {
  const ids = Array.from({ length: 500 }, newId);
  expect(new Set(ids).size).toBe(500);
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(id.slice(0, 12)).toMatch(/[a-f]/);
  }
});

test("only hex digits begin an id", () => {
  expect(["a", "0f", "f".repeat(64)].every(isIdPrefix)).toBe(true);
  expect(["", "A", "g", "a b", "f".repeat(65)].some(isIdPrefix)).toBe(false);
});

test("random names are two words", () => {
  for (let i = 0; i < 100; i++) expect(randomName()).toMatch(/^[a-z]+_[a-z]+$/);
});
