import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expandWord, expandWords } from "../../../src/build/dockerfile/expand.ts";

const VALUES: Readonly<Record<string, string>> = {
  name: "value",
  empty: "",
  path: "/usr/local/bin/tool.tar.gz",
  word: "foobarbaz",
  star: "a*b",
  two: "one two",
};
const lookup = (name: string) => VALUES[name];
const expand = (text: string) => expandWord(text, { escape: "\\", lookup });

const LINES = readFileSync(join(import.meta.dirname, "substitutions.txt"), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));

function cases(mark: string): [string, string][] {
  return LINES.filter((line) => line.includes(mark)).map((line) => line.split(mark, 2) as [string, string]);
}

test.each(cases(" => "))("%s becomes %s", (word, wanted) => {
  expect(expand(word)).toBe(wanted);
});

test.each(cases(" =! "))("%s is refused: %s", (word, said) => {
  expect(() => expand(word)).toThrow(said);
});

test("the escape character is the one of the directive", () => {
  expect(expandWord("C:\\dir`$name$name", { escape: "`", lookup })).toBe("C:\\dir$namevalue");
});

test("a variable with blanks becomes several words only where words are wanted", () => {
  expect(expandWords("$two 3", { escape: "\\", lookup })).toEqual(["one", "two", "3"]);
  expect(expand("$two")).toBe("one two");
});

test("content keeps its quotes", () => {
  const text = 'it\'s "$name" and \\$name\n';
  expect(expandWord(text, { escape: "\\", lookup, keepQuotes: true })).toBe('it\'s "value" and $name\n');
});
