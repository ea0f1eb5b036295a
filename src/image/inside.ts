/** Joins storage's jobs to runtime's way of running them. */
import { runInside } from "../runtime/index.ts";
import type { Context } from "../state/index.ts";
import type { RunInside } from "../storage/index.ts";

/** Storage's jobs, run in the base namespaces of this user. */
export function jobRunner(ctx: Context): RunInside {
  return (job, input, options) => runInside(ctx, job, input, options);
}
