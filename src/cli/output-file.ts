/** Archives written to where -o says, or to standard output. */
import { closeSync, openSync } from "node:fs";
import { errnoCode, StorageError, UsageError } from "../base/index.ts";
import { errnoText } from "../host/index.ts";
import type { Io, OptionTable } from "./command.ts";

export const OUTPUT_OPTION = {
  output: {
    kind: "string",
    short: "o",
    value: "FILE",
    text: "Write to a file instead of standard output",
    completes: "file",
  },
} as const satisfies OptionTable;

/**
 * Gives `write` the descriptor.
 *
 * @param onTerminal podman's words for it
 * @throws {UsageError} if the archive would go to a terminal
 */
export async function withOutput(
  io: Io,
  output: string | undefined,
  write: (fd: number) => Promise<void>,
  onTerminal = "refusing to export to terminal. Use -o flag or redirect",
): Promise<void> {
  if (output === undefined) {
    if (io.stdoutIsTty) throw new UsageError("stdout-is-terminal", onTerminal);
    return write(1);
  }
  if (output.includes(":")) {
    throw new UsageError(
      "export-output",
      `invalid filename (should not contain ':') ${JSON.stringify(output)}`,
    );
  }
  const fd = create(output);
  try {
    await write(fd);
  } finally {
    closeSync(fd);
  }
}

function create(path: string): number {
  try {
    return openSync(path, "w", 0o644);
  } catch (cause) {
    const reason = errnoText(errnoCode(cause)) ?? String(cause);
    throw new StorageError("export-output", `cannot write ${path}: ${reason}`, { cause });
  }
}
