/** What no tracked file may contain, and the size of the C code (TypeScript's is in biome.json). */
import { expect, test } from "bun:test";
import { read, sourceFiles, withoutComments } from "./sources.ts";

/** The limits of CONTRIBUTING.md at which a file or function is split, or listed below with a reason. */
const MAX_FILE = 700;
const MAX_FUNCTION = 100;
const MAX_COMMAND_FILE = 250;

const EXCEPTIONS: Readonly<Record<string, string>> = {
  "src/cli/commands/index.ts": "generated",
};

const text = sourceFiles(/./).filter((path) => !/\.(png|gz|xz|zst|bz2|tar|lock)$/.test(path));
const c = sourceFiles(/^native\/.*\.c$/);

/** `path function lines` of the functions whose body is longer than allowed (kernel style: braces in column 0). */
function longFunctions(path: string): string[] {
  const lines = withoutComments(read(path)).split("\n");
  return lines.flatMap((line, start) => {
    if (line !== "{") return [];
    const length = lines.indexOf("}", start) - start;
    const name =
      lines
        .slice(0, start)
        .findLast((above) => /^\w.*\(/.test(above))
        ?.match(/(\w+)\(/)?.[1] ?? "?";
    return length > MAX_FUNCTION && !EXCEPTIONS[`${path} ${name}`]
      ? [`${path} ${name}: ${length} lines`]
      : [];
  });
}

test("no path of a development machine is in the sources", () => {
  const machine = new RegExp(
    `/${"work"}/(main|shared|\\.library|\\.mirror)|/tmp/${"podman"}-src|\\.${"library"}/`,
  );
  const found = text.filter((path) => !/^package-lock\.json$/.test(path) && machine.test(read(path)));
  expect(found).toEqual([]);
});

test("nothing is left to do", () => {
  const marker = new RegExp(`\\b(${"TO"}DO|${"FIX"}ME|${"X"}XX)\\b`);
  const found = text.filter((path) => /\.(ts|mjs|c|h|sh)$/.test(path) && marker.test(read(path)));
  expect(found).toEqual([]);
});

test("C files and functions stay short enough to read", () => {
  const long = c.filter((path) => !EXCEPTIONS[path] && read(path).split("\n").length > MAX_FILE);
  expect([...long, ...c.flatMap(longFunctions)]).toEqual([]);
});

test("a command's file holds options, one call and the printing", () => {
  const long = sourceFiles(/^src\/cli\/commands\/.*\.ts$/).filter(
    (path) => !EXCEPTIONS[path] && read(path).split("\n").length > MAX_COMMAND_FILE,
  );
  expect(long).toEqual([]);
});
