import { expect, test } from "bun:test";
import { makeIgnore, readIgnoreLines } from "../../../src/build/context/ignore.ts";

/** Lines, what is left out, what stays. */
const CASES: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["a", ["a", "a/b"], ["b", "ab", "x/a"]],
  ["/a", ["a", "a/b"], ["x/a"]],
  ["a/", ["a", "a/b"], ["x/a"]],
  ["./a", ["a"], ["b"]],
  ["*", ["a", "a/b", ".git"], []],
  ["*.log", ["x.log"], ["d/x.log", "x.logs"]],
  ["**/*.log", ["x.log", "d/x.log", "d/e/x.log"], ["x.txt"]],
  ["**/x", ["x", "d/x", "d/x/y"], ["ax"]],
  ["d/**", ["d/x", "d/e/x"], ["x"]],
  ["d/**/x", ["d/x", "d/e/x"], ["d", "x"]],
  ["*/temp*", ["a/temp", "a/temporary.txt"], ["temp", "a/b/temp"]],
  ["*/*/temp*", ["a/b/temp"], ["a/temp"]],
  ["temp?", ["tempa", "tempb"], ["temp", "tempab"]],
  ["[ab].txt", ["a.txt", "b.txt"], ["c.txt"]],
  ["[a-c].txt", ["b.txt"], ["d.txt"]],
  ["[^a].txt", ["b.txt"], ["a.txt"]],
  ["a\\*b", ["a*b"], ["axb"]],
  ["a.b", ["a.b"], ["axb"]],
  ["a+b", ["a+b"], ["aab"]],
  ["a(b)", ["a(b)"], ["ab"]],
  ["*.md\n!README.md", ["x.md"], ["README.md", "x.txt"]],
  ["*.md\n!README*.md\nREADME-secret.md", ["x.md", "README-secret.md"], ["README.md", "README-x.md"]],
  ["*.md\nREADME-secret.md\n!README*.md", ["x.md"], ["README.md", "README-secret.md"]],
  ["!a\na", ["a"], []],
  ["d\n!d/keep", ["d", "d/x"], ["d/keep"]],
  ["d\n!d/k\nd/k/x", ["d/k/x"], ["d/k", "d/k/y"]],
  ["*\n!src\nsrc/*.o", ["x", "src/a.o"], ["src", "src/a.c"]],
  ["# comment\n\n  a  ", ["a"], ["# comment"]],
  ["\uFEFFa", ["a"], []],
  ["a/../b", ["b"], ["a"]],
  ["a//b", ["a/b"], ["a"]],
  ["ä*", ["äx"], ["a"]],
];

test.each(CASES)("%j", (text, out, kept) => {
  const ignore = makeIgnore(readIgnoreLines(text), ".dockerignore");
  for (const path of out) expect([path, ignore.ignores(path)]).toEqual([path, true]);
  for (const path of kept) expect([path, ignore.ignores(path)]).toEqual([path, false]);
});

test("only without exceptions need an ignored directory not be looked into", () => {
  expect(makeIgnore(["d"], "x").prunes).toBe(true);
  expect(makeIgnore(["d", "!d/x"], "x").prunes).toBe(false);
});

test("a pattern that means nothing is refused with its file", () => {
  expect(() => makeIgnore(["!"], ".dockerignore")).toThrow(
    'cannot use .dockerignore: "!": a "!" needs a pattern',
  );
  expect(() => makeIgnore(["[a"], ".dockerignore")).toThrow(
    'cannot use .dockerignore: "[a": syntax error in pattern "[a"',
  );
});
