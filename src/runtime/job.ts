/** The other end of `runInside`: what `kelp __job NAME` does inside the user namespace. */
import { KelpError } from "../base/index.ts";
import { inWords } from "./circumstance.ts";

export interface JobRequest<I> {
  /** `--root` and `--runroot` for the job's own context. */
  readonly root: string;
  readonly runroot: string;
  readonly input: I;
}

export type JobReply<O> =
  | { readonly output: O }
  | {
      readonly error: {
        readonly code: string;
        readonly message: string;
        readonly hint?: string;
        readonly exitCode: number;
      };
    };

/** A job: its request as the caller gave it, and what it returns as JSON. */
export type Job = (request: JobRequest<never>) => Promise<unknown>;

/**
 * Answers one request. A `KelpError` travels back to the caller; any other error is a bug and is thrown.
 *
 * @param text the request, all of standard input
 * @returns the reply, for standard output
 */
export async function answerJob(job: Job, text: string): Promise<string> {
  try {
    const output = await job(JSON.parse(text) as JobRequest<never>);
    return JSON.stringify({ output: output ?? null } satisfies JobReply<unknown>);
  } catch (thrown) {
    const error = inWords(thrown);
    if (!(error instanceof KelpError)) throw error;
    return errorReply(error);
  }
}

/** A failure as the caller of a job reads it. */
export function errorReply({ code, message, hint, exitCode }: KelpError): string {
  return JSON.stringify({
    error: { code, message, ...(hint === undefined ? {} : { hint }), exitCode },
  } satisfies JobReply<unknown>);
}
