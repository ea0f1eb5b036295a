/** A whole Dockerfile: its stages, and what stands before the first. */
import type { ArgInstruction, FromInstruction, Instruction, StageInstruction } from "./instruction.ts";
import { type Directives, splitDockerfile } from "./logical-lines.ts";
import { parseInstruction } from "./parse-instruction.ts";
import { type SourceFile, syntaxError } from "./syntax-error.ts";

export interface Stage {
  /** From 0. */
  readonly index: number;
  readonly from: FromInstruction;
  readonly instructions: readonly StageInstruction[];
}

export interface Dockerfile {
  readonly file: SourceFile;
  readonly directives: Directives;
  /** ARGs before the first FROM. */
  readonly globalArgs: readonly ArgInstruction[];
  readonly stages: readonly Stage[];
}

/** @throws {UsageError} `dockerfile-invalid` with file, line and column */
export function parseDockerfile(text: string, name: string): Dockerfile {
  const { file, directives, lines } = splitDockerfile(text, name);
  const globalArgs: ArgInstruction[] = [];
  const stages: { index: number; from: FromInstruction; instructions: StageInstruction[] }[] = [];
  for (const line of lines) {
    const instruction = parseInstruction(line, { file, escapeChar: directives.escape });
    const stage = stages.at(-1);
    if (instruction.kind === "from")
      stages.push({ index: stages.length, from: instruction, instructions: [] });
    else if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.kind === "arg") globalArgs.push(instruction);
    else
      throw syntaxError(
        file,
        line.position,
        `no build stage in current context: ${line.keyword} before the first FROM`,
      );
  }
  if (stages.length === 0) {
    const reason = lines.length === 0 ? "file with no instructions" : "no build stage: there is no FROM";
    throw syntaxError(file, { line: 1, column: 1 }, reason);
  }
  return { file, directives, globalArgs, stages };
}

/** Instructions of an image's ONBUILD, read when a stage begins with that image. */
export function parseTriggers(
  triggers: readonly string[],
  image: string,
  escapeChar: "\\" | "`",
): StageInstruction[] {
  return triggers.map((trigger) => {
    const { file, lines } = splitDockerfile(trigger, `ONBUILD of ${image}`);
    const line = lines[0];
    const instruction: Instruction | undefined =
      line === undefined ? undefined : parseInstruction(line, { file, escapeChar });
    if (
      instruction === undefined ||
      instruction.kind === "from" ||
      instruction.kind === "onbuild" ||
      lines.length > 1
    )
      throw syntaxError(file, { line: 1, column: 1 }, "it cannot be a trigger");
    return instruction;
  });
}
