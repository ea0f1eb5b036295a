/**
 * From what was thrown to what is printed and the exit status. The table is also the EXIT STATUS
 * section of the man pages.
 */
import {
  ConfigError,
  escapeLines,
  HostError,
  KelpError,
  ReaderGoneError,
  StorageError,
} from "../base/index.ts";
import { inWords } from "../runtime/index.ts";
import type { Io } from "./command.ts";
import { FlagError } from "./flag-error.ts";

export const EXIT_STATUS: readonly (readonly [string, string])[] = [
  [
    "0",
    "success; `run`, `start --attach`, `exec` and `wait` give the status of the container's command instead",
  ],
  ["1", "the answer is no (`exists`), or every name given to `rm`, `rmi` or `volume rm` was unknown"],
  ["2", "`rm` of a running container, or of something in use"],
  ["125", "kelp itself failed: wrong usage, a missing object, a refusing machine"],
  ["126", "the container's command exists and cannot be executed"],
  ["127", "the container's command was not found"],
  ["128+N", "the container's command was killed by signal N"],
  ["130", "kelp was interrupted with ctrl-c"],
  ["141", "whoever read kelp's output has stopped reading, as `head` does"],
];

export const EXIT_FAILURE = 125;

/**
 * Prints `Error: …` on standard error; returns the exit status. A hint follows for people at a terminal, and for
 * everybody where it is about the machine or a word that does not exist: other failures are one line for scripts.
 */
export function reportFailure(thrown: unknown, io: Io, debug: boolean): number {
  const error = inWords(thrown);
  if (error instanceof KelpError && error.code === ReaderGoneError.code) return error.exitCode;
  try {
    // The message may quote what an image, a server or the user said.
    io.err(escapeLines(describeFailure(error, debug, io.stderrIsTty)));
  } catch {
    // Standard error is gone as well: the status is all that is left to say.
  }
  return error instanceof KelpError ? error.exitCode : EXIT_FAILURE;
}

/**
 * Ends the process with what nobody caught: an `error` event of a stream, for instance. Left to itself the runtime
 * prints that and then waits for ever for what it was doing.
 */
export function endOnUncaught(openIo: () => Io, debug: boolean): void {
  process.once("uncaughtException", (error) => {
    process.exit(reportFailure(error, openIo(), debug));
  });
}

function describeFailure(error: unknown, debug: boolean, isTty: boolean): string {
  if (!(error instanceof KelpError)) return describeDefect(error, debug);
  let text = `Error: ${error.message}\n`;
  if (error.hint !== undefined && (isTty || isForEverybody(error))) text += `Hint: ${error.hint}\n`;
  if (error instanceof FlagError && error.code === "bad-flag") text += `See '${error.command} --help'\n`;
  if (debug) text += `${error.stack}\n${causes(error)}`;
  return text;
}

function isForEverybody(error: KelpError): boolean {
  if (error instanceof FlagError) return true;
  const kinds = [HostError, ConfigError, StorageError];
  return error.code === "unknown-command" || kinds.some((kind) => error instanceof kind);
}

/** A plain Error is a defect of ours and says so. */
function describeDefect(error: unknown, debug: boolean): string {
  const message = error instanceof Error ? error.message : String(error);
  const text = `Error: internal error: ${message}\n`;
  if (!debug) return `${text}Hint: set KELP_DEBUG=1 to see where it happened\n`;
  return `${text}${error instanceof Error ? error.stack : ""}\n${causes(error)}`;
}

function causes(error: unknown): string {
  let text = "";
  for (let cause = (error as Error)?.cause; cause instanceof Error; cause = cause.cause) {
    text += `caused by: ${cause.stack}\n`;
  }
  return text;
}
