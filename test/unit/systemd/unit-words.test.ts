/** Words as systemd reads them. */
import { describe, expect, test } from "bun:test";
import { parseUnitFile } from "../../../src/systemd/unit-file.ts";
import { literalUnitWord, quoteUnitWord, splitUnitWords } from "../../../src/systemd/unit-words.ts";

describe("splitUnitWords()", () => {
  const cases: [string, string[] | undefined][] = [
    ["a  b\tc", ["a", "b", "c"]],
    [`"a b" 'c d'`, ["a b", "c d"]],
    [`a"b c"d`, ["ab cd"]],
    [`"" ''`, ["", ""]],
    [String.raw`a\x20b \u00e9 \101 \s`, ["a b", "é", "A", " "]],
    [String.raw`"say \"hi\"" '\''`, [`say "hi"`, "'"]],
    [String.raw`\q c:\d`, [String.raw`\q`, String.raw`c:\d`]],
    ["%i $HOME", ["%i", "$HOME"]],
    ["", []],
    [`"open`, undefined],
  ];
  for (const [text, words] of cases)
    test(JSON.stringify(text), () => expect(splitUnitWords(text)).toEqual(words));
});

test("what quoteUnitWord() writes reads as the same word", () => {
  for (const word of [
    "plain",
    "",
    "two words",
    `"`,
    "'",
    "\\",
    "a\nb\tc\x01",
    "semi;colon",
    "é ü",
    "%i$x",
    "\\x20",
  ])
    expect(splitUnitWords(quoteUnitWord(word))).toEqual([word]);
});

test("literalUnitWord() leaves systemd nothing to replace", () => {
  expect(literalUnitWord("100% of $HOME")).toBe("100%% of $$HOME");
});

describe("parseUnitFile()", () => {
  const read = (text: string) => parseUnitFile(text, "/u").sections;

  test("joins continued lines, past comments, and says where they begin", () => {
    expect(read("[A]\n# no\nk = a \\\n ; no\n  b\nl=\n")).toEqual([
      {
        name: "A",
        entries: [
          { file: "/u", line: 3, key: "k", value: "a    b" },
          { file: "/u", line: 6, key: "l", value: "" },
        ],
      },
    ]);
  });

  test("a section that comes twice is one", () => {
    expect(read("[A]\nx=1\n[B]\n[A]\ny=2\n").map(({ name, entries }) => [name, entries.length])).toEqual([
      ["A", 2],
      ["B", 0],
    ]);
  });

  for (const text of ["[A]\nnonsense\n", "x=1\n", "[A\n", "[A]\n=1\n"])
    test(`refuses ${JSON.stringify(text)} with its line`, () =>
      expect(() => read(text)).toThrow(/^cannot use \/u:\d+: /));
});
