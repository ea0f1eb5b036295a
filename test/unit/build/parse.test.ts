import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Instruction } from "../../../src/build/dockerfile/instruction.ts";
import { parseDockerfile } from "../../../src/build/dockerfile/parse.ts";

const CORPUS = join(import.meta.dirname, "corpus");

/** What was read, one line an instruction; `TEST_UPDATE=1` writes new ones for a look. */
function summary(text: string, name: string): string {
  const { directives, globalArgs, stages } = parseDockerfile(text, name);
  const lines = [`directives ${JSON.stringify(directives)}`, ...globalArgs.map(tell)];
  for (const { from, instructions } of stages) lines.push(tell(from), ...instructions.map(tell));
  return `${lines.join("\n")}\n`;
}

function tell({ line, ...instruction }: Instruction): string {
  return `${line.position.line}-${line.endLine} ${JSON.stringify(instruction)}`;
}

test.each(readdirSync(CORPUS).filter((name) => name.endsWith(".dockerfile")))(
  "%s is read as before",
  (name) => {
    const golden = join(CORPUS, name.replace(/dockerfile$/, "golden"));
    const found = summary(readFileSync(join(CORPUS, name), "utf8"), name);
    if (process.env.TEST_UPDATE === "1" && !existsSync(golden)) writeFileSync(golden, found);
    expect(found).toBe(readFileSync(golden, "utf8"));
  },
);

const MISTAKES: readonly (readonly [string, string, string])[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "mistakes.json"), "utf8"),
);

test.each(MISTAKES.map(([name, text, said]) => [name, text, said] as const))(
  "%s is refused",
  (_name, text, said) => {
    expect(() => parseDockerfile(text, "Dockerfile")).toThrow(said);
  },
);

test("the wrong line is shown with a mark under the place, without control characters and not whole if it is long", () => {
  const text = `FROM x\nBAD\u001b[31m ${"y".repeat(5000)}\n`;
  const error = (() => {
    try {
      parseDockerfile(text, "Dockerfile");
    } catch (caught) {
      return caught as Error;
    }
    return undefined;
  })();
  expect(error?.message).toStartWith("cannot build: Dockerfile:2:1: unknown instruction");
  expect(error?.message).toContain("\n  | ^");
  expect(error?.message).not.toContain("\u001b");
  expect(error?.message.length).toBeLessThan(400);
});
