/** Trying again: only what may go away by itself, ever more slowly, and as the server asks. */
import { TransientError } from "./errors.ts";

export interface RetryPolicy {
  /** Further attempts after the first. */
  readonly retries: number;
  /** Between attempts; absent: doubling from half a second, with some chance so that clients do not march in step. */
  readonly delayMs?: number | undefined;
  /** Told before each pause. */
  onRetry?(error: TransientError, delayMs: number, attempt: number): void;
  readonly signal?: AbortSignal | undefined;
  /** Failures that are handed on at once. */
  gaveUp?(error: TransientError): boolean;
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A server that wants more patience than this is told to the user instead. */
const LONGEST_ASKED_MS = 120_000;

export async function withRetry<T>(policy: RetryPolicy, action: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await action();
    } catch (error) {
      const pause = error instanceof TransientError ? pauseFor(error, policy, attempt) : undefined;
      if (pause === undefined || attempt > policy.retries || policy.signal?.aborted) throw error;
      if (policy.gaveUp?.(error as TransientError)) throw error;
      policy.onRetry?.(error as TransientError, pause, attempt);
      await sleep(pause, policy.signal);
    }
  }
}

function pauseFor(error: TransientError, policy: RetryPolicy, attempt: number): number | undefined {
  const asked = error.retryAfterMs ?? 0;
  if (asked > LONGEST_ASKED_MS) return undefined;
  return Math.max(asked, policy.delayMs ?? backOff(attempt));
}

/** @param attempt 1 for the first pause */
export function backOff(attempt: number): number {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1));
  return Math.round(pause * (0.75 + Math.random() / 2));
}

/** Ends early when the signal fires; whoever waits looks at it next. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** `Retry-After`: seconds, or a date. */
export function parseRetryAfter(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
