/** docs/attacks.md tells of every row of the catalogue, and every test it names exists. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..");
/** How many rows each letter of the catalogue has. */
const ROWS = { U: 12, R: 10, S: 11, E: 10, B: 7, N: 6, C: 5, D: 7, T: 4, K: 10 };

const rows = readFileSync(join(ROOT, "docs/attacks.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| row |") && !line.startsWith("| attack |"))
  .map((line) => line.slice(2, -2).split(" | "));

test("every row of the catalogue is told of once, in its order", () => {
  const wanted = Object.entries(ROWS).flatMap(([letter, count]) =>
    Array.from({ length: count }, (_, index) => `${letter}${index + 1}`),
  );
  expect(rows.map(([id]) => id).filter((id) => /^[A-Z]\d+$/.test(id ?? ""))).toEqual(wanted);
});

test("every row has an answer, tests and a word about their control", () => {
  const lacking = rows.filter((cells) => cells.length !== 4 || cells.some((cell) => cell.trim() === ""));
  expect(lacking.map(([id]) => id)).toEqual([]);
});

test("every test that is named exists under that name", () => {
  const missing = rows.flatMap(([id, , tests = ""]) =>
    tests.split(" · ").flatMap((reference) => {
      const { file, name } = /^`(?<file>[^`]+)` › (?<name>.+)$/.exec(reference)?.groups ?? {};
      return file !== undefined && name !== undefined && hasTest(file, name) ? [] : [`${id}: ${reference}`];
    }),
  );
  expect(missing).toEqual([]);
});

/** The name is written in the file as it stands; that of a template up to what is filled in. */
function hasTest(file: string, name: string): boolean {
  const path = join(ROOT, file);
  return existsSync(path) && readFileSync(path, "utf8").includes(name);
}
