/** The plan of a container in words, on standard output. */
import { escapeControl } from "../base/index.ts";
import type { Explained } from "../container/index.ts";
import type { Io } from "./command.ts";

/** Names, commands and paths in it are an image's or a user's: none of them speaks to the terminal. */
export function printExplained(io: Io, { sections, warnings }: Explained): void {
  for (const warning of warnings) io.err(`${warning}\n`);
  const texts = sections.map(({ title, lines }) =>
    [title, ...lines.map((line) => `  ${escapeControl(line)}`)].map((line) => `${line}\n`).join(""),
  );
  io.out(texts.join("\n"));
}
