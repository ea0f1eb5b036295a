/**
 * The command line as scripts see it: standard output, standard error and exit status of everything in
 * test/golden/command-lines.txt, in its order and in one store. KELP_GOLDEN=FILE writes down what came out instead.
 */
import { expect, test } from "bun:test";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type CommandLine,
  normalise,
  parseCommandLines,
  writeCommandLines,
} from "../support/command-lines.ts";
import { busyboxArchive, ROOT, requires, useSandbox } from "../support/index.ts";

const SOURCE = join(ROOT, "test", "golden", "command-lines.txt");
const TARGET = process.env.KELP_GOLDEN;

const box = useSandbox("300-lines", { CONTAINERS_CONF: "/dev/null", NO_COLOR: "1" });
const lines = parseCommandLines(readFileSync(SOURCE, "utf8"));
const needs = requires("subuid", "overlay", "slirp4netns", "busybox");

let known: string | undefined;
async function version(): Promise<string> {
  known ??= (await box.ok(["--version"])).split(" ").at(-1);
  return known as string;
}

async function outcome({ words, stdin }: CommandLine): Promise<string> {
  const result = await box.kelp(words.slice(1), { stdin });
  return normalise(result, {
    [box.directory]: "<box>",
    [box.runtime]: "<run>",
    [await version()]: "<version>",
  });
}

test("there are at least 150 command lines", () => {
  expect(lines.length).toBeGreaterThanOrEqual(150);
});

needs.test(
  "the store's image is there",
  async () => {
    copyFileSync(await busyboxArchive(), join(box.directory, "busybox.tar"));
  },
  60_000,
);

const written: (CommandLine & { actual: string })[] = [];
for (const [number, line] of lines.entries()) {
  needs.test(
    `${number + 1}: ${line.line}${line.stdin === "" ? "" : " (with input)"}`,
    async () => {
      const actual = await outcome(line);
      written.push({ ...line, actual });
      if (TARGET === undefined) expect(actual).toBe(line.expected);
    },
    60_000,
  );
}

if (TARGET !== undefined) test("written down", () => writeFileSync(TARGET, writeCommandLines(written)));
