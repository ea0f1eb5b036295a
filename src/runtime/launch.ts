/** Handing a plan to holdfast: becoming it, or waiting for it. */
import { errnoCode, HostError } from "../base/index.ts";
import { loadLibc, writeFileAtomic } from "../host/index.ts";
import { encodePlan } from "./plan/encode.ts";
import type { Plan } from "./plan/ops.ts";

/** holdfast's verbs that carry out a plan. */
export type PlanVerb = "start" | "exec" | "enter";

/** Encoding takes a millisecond, and the plan of a --rm container is written twice. */
const encoded = new WeakMap<Plan, Uint8Array>();

/** Writes the plan as holdfast reads it, mode 0600, appearing whole. It must not be changed afterwards. */
export function writePlan(path: string, plan: Plan): void {
  const bytes = encoded.get(plan) ?? encodePlan(plan);
  encoded.set(plan, bytes);
  writeFileAtomic(path, bytes);
}

/**
 * Becomes holdfast; does not return. Whatever was to be printed must have been written before, and
 * whatever was to be closed, closed. The environment is empty: everything a plan needs is in it.
 *
 * @param keepFds descriptors that it gets too; JavaScript's execve would close them
 * @throws {HostError} if the kernel will not execute it
 */
export function startPlan(
  holdfast: string,
  verb: PlanVerb,
  planPath: string,
  keepFds: readonly number[] = [],
): never {
  const argv = [holdfast, verb, planPath];
  try {
    if (keepFds.length > 0) loadLibc().execve(holdfast, argv, keepFds);
    else process.execve!(holdfast, argv, {});
  } catch (cause) {
    throw notExecutable(holdfast, cause);
  }
  throw new Error("execve returned");
}

/**
 * Runs holdfast beside kelp with kelp's own streams; the promise is its exit status, 128+n after a signal.
 *
 * @param stdout where its standard output goes instead of kelp's
 * @param keepFds descriptors that it gets too, at the numbers they have
 */
export function runPlan(
  holdfast: string,
  verb: PlanVerb,
  planPath: string,
  keepFds: readonly number[] = [],
  stdout: number | "ignore" = 1,
): Promise<number> {
  const last = keepFds.at(-1) ?? 2;
  const more = Array.from({ length: last - 2 }, (_, index) =>
    keepFds.includes(3 + index) ? 3 + index : "ignore",
  );
  const { spawn } = process.getBuiltinModule("node:child_process");
  const child = spawn(holdfast, [verb, planPath], { stdio: [0, stdout, 2, ...more], env: {} });
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => reject(notExecutable(holdfast, cause)));
    child.once("exit", (code, signal) => resolve(code ?? 128 + signalNumber(signal)));
  });
}

/** The same with no input and the output given to `sinks` as it comes. */
export function capturePlan(
  holdfast: string,
  verb: PlanVerb,
  planPath: string,
  sinks: { readonly out: (chunk: Buffer) => void; readonly err: (chunk: Buffer) => void },
): Promise<number> {
  const { spawn } = process.getBuiltinModule("node:child_process");
  const child = spawn(holdfast, [verb, planPath], { stdio: ["ignore", "pipe", "pipe"], env: {} });
  const ended = [child.stdout, child.stderr].map(
    (stream) => new Promise((resolve) => stream.once("end", resolve)),
  );
  child.stdout.on("data", sinks.out);
  child.stderr.on("data", sinks.err);
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => reject(notExecutable(holdfast, cause)));
    child.once("exit", async (code, signal) => {
      await Promise.all(ended);
      resolve(code ?? 128 + signalNumber(signal));
    });
  });
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal === null ? 0 : process.getBuiltinModule("node:os").constants.signals[signal];
}

/** The words for a holdfast that will not run. */
export function notExecutable(holdfast: string, cause: unknown): HostError {
  const denied = errnoCode(cause) === "EACCES";
  const reason = denied ? "permission denied" : cause instanceof Error ? cause.message : String(cause);
  return new HostError("holdfast-not-executable", `cannot execute ${holdfast}: ${reason}`, {
    cause,
    ...(denied
      ? { hint: "its filesystem may be mounted noexec; set XDG_CACHE_HOME to a place that is not" }
      : {}),
  });
}
