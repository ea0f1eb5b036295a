import { readFileSync } from "node:fs";

/**
 * Ctrl-C, TERM and the end of the terminal as a signal that work can listen to, so that what is half done is put away:
 * a build's step would go on in its container without anybody who waits for it.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => controller.abort();
  const signals: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", ...(ignoresHangup() ? [] : HANGUP)];
  for (const signal of signals) process.on(signal, stop);
  try {
    return await work(controller.signal);
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}

const HANGUP = ["SIGHUP"] as const;

/** `nohup` has it ignored, for work that is to outlive its terminal; a handler would undo that. */
function ignoresHangup(): boolean {
  const [, mask = "0"] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1")) ?? [];
  return (BigInt(`0x${mask}`) & 1n) === 1n;
}
