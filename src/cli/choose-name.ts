/** Asks which registry a short name means, where somebody can answer. */
import type { AcquireOptions } from "../image/index.ts";
import type { Io } from "./command.ts";

export function chooseName(io: Io): Pick<AcquireOptions, "choose"> {
  if (!io.stdinIsTty || !io.stderrIsTty) return {};
  return {
    async choose(candidates) {
      const { createInterface } = await import("node:readline/promises");
      const terminal = createInterface({ input: process.stdin, output: process.stderr });
      try {
        const list = candidates.map((name, index) => `  ${index + 1}  ${name}\n`).join("");
        const answer = await terminal.question(`Which image is meant?\n${list}Number [1]: `);
        return candidates[answer.trim() === "" ? 0 : Number(answer) - 1];
      } finally {
        terminal.close();
      }
    },
  };
}
