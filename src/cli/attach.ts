/** Which streams a client gets, and becoming one. */
import { UsageError } from "../base/index.ts";
import { type Prepared, parseDetachKeys } from "../container/index.ts";
import { type ClientConfig, runPlan, startPlan } from "../runtime/index.ts";
import type { Context } from "../state/index.ts";
import type { Globals } from "./command.ts";

export interface Streams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export const DETACHED: Streams = { stdin: false, stdout: false, stderr: false };

/** From --detach, --attach and --interactive; only output streams make a client that stays. */
export function chooseStreams(options: {
  readonly attach: readonly string[];
  readonly detach: boolean;
  readonly interactive: boolean;
}): Streams {
  if (options.detach && options.attach.length > 0) {
    throw new UsageError("conflicting-flags", "cannot specify both --attach and --detach");
  }
  if (options.detach) return DETACHED;
  const words = options.attach.map((word) => word.toLowerCase());
  for (const word of words) {
    if (!["stdin", "stdout", "stderr"].includes(word)) {
      throw new UsageError(
        "invalid-stream",
        `invalid stream ${JSON.stringify(word)} for --attach - must be one of stdin, stdout, or stderr: invalid argument`,
      );
    }
  }
  if (words.length === 0) return { stdin: options.interactive, stdout: true, stderr: true };
  return {
    stdin: words.includes("stdin") && options.interactive,
    stdout: words.includes("stdout"),
    stderr: words.includes("stderr"),
  };
}

export interface ClientRequest {
  readonly streams: Streams;
  /** Absent: the settings'. */
  readonly detachKeys: string | undefined;
  readonly sigProxy: boolean;
  readonly announce: string;
}

/** A client without any stream to show is a detached one. */
export function clientConfig(ctx: Context, request: ClientRequest): ClientConfig {
  const { streams } = request;
  return {
    ...streams,
    attach: streams.stdin || streams.stdout || streams.stderr,
    forwardSignals: request.sigProxy,
    detachKeys: parseDetachKeys(request.detachKeys ?? ctx.settings.detachKeys),
    announce: request.announce,
  };
}

/**
 * Hands a prepared plan to holdfast: becomes it, or where standard output is not kelp's own, waits for it. The database must be closed.
 */
export async function handOver(
  globals: Pick<Globals, "out" | "noout">,
  verb: "start" | "exec",
  prepared: Prepared,
): Promise<number> {
  const { holdfast, planPath, keepFds, failure } = prepared;
  const stdout = resultsOf(globals);
  if (stdout === 1 && failure === undefined) return startPlan(holdfast, verb, planPath, keepFds);
  const status = await runPlan(holdfast, verb, planPath, keepFds, stdout);
  const error = status === 0 ? undefined : failure?.();
  if (error !== undefined) throw error;
  return status;
}

/** Where --out and --noout send what a command prints; the file was emptied when the command began. */
export function resultsOf(globals: Pick<Globals, "out" | "noout">): number | "ignore" {
  if (globals.noout) return "ignore";
  return globals.out === undefined ? 1 : process.getBuiltinModule("node:fs").openSync(globals.out, "a");
}

/**
 * Becomes holdfast as a client of a running monitor; does not return.
 *
 * @param failure the container is only ready: it is let go, once the client sees all that it writes, and this says why it could not be
 */
export function attachTo(
  holdfast: string,
  socket: string,
  client: ClientConfig,
  failure: { readonly argv: readonly string[]; readonly env: readonly string[] } = { argv: [], env: [] },
): never {
  const streams = (client.stdin ? 1 : 0) | (client.stdout ? 2 : 0) | (client.stderr ? 4 : 0);
  const keys = Buffer.from(client.detachKeys).toString("hex");
  process.execve!(
    holdfast,
    [holdfast, "attach", socket, String(streams), client.forwardSignals ? "1" : "0", keys, ...failure.argv],
    Object.fromEntries(failure.env.map((word) => word.split(/=(.*)/s, 2))),
  );
  throw new Error("execve returned");
}

/** Size of the caller's terminal, for the container's own from its first moment on. */
export function terminalSize(): { readonly height: number; readonly width: number } | undefined {
  const { isatty, WriteStream } = process.getBuiltinModule("node:tty");
  const fd = [0, 1, 2].find((candidate) => isatty(candidate));
  if (fd === undefined) return undefined;
  const [width, height] = new WriteStream(fd).getWindowSize();
  return width > 0 && height > 0 ? { height, width } : undefined;
}
