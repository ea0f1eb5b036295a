/** Asking before something is deleted. */
import { UsageError } from "../base/index.ts";
import type { Io } from "./command.ts";

/**
 * Whether the user agrees: a person at a terminal is shown the warning and asked, a script may pipe
 * the answer in. Anything but a yes is a no.
 *
 * @throws {UsageError} `no-answer` where there is nobody to ask
 */
export async function agreedTo(io: Io, warning: string): Promise<boolean> {
  if (io.stdinIsTty) io.out(`${warning}Are you sure you want to continue? [y/N] `);
  for await (const chunk of io.stdin()) return /^\s*y/i.test(chunk.toString());
  if (io.stdinIsTty) {
    io.out("\n");
    return false;
  }
  throw new UsageError(
    "no-answer",
    "cannot ask whether to go on: standard input is not a terminal; --force goes on without asking",
  );
}
