/** The role `__failed`: holdfast could not start something, kelp says why and tidies up. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { KelpError } from "../base/index.ts";
import { containerDir, containerRunDir } from "../host/index.ts";
import { decodePlan, explainFailure } from "../runtime/index.ts";
import { type Context, openContext } from "../state/index.ts";
import { removeContainer } from "./remove.ts";

const EXIT_FAILURE = 125;

/** `run`: the caller waits for the container's status; the others only asked for a start. */
type Mode = "run" | "start" | "exec" | "exec-detached";

/**
 * @param words `ID PLAN DATA RUNTIME MODE STAGE INDEX ERRNO`, or `job:NAME STAGE INDEX ERRNO`
 * @returns the error to report, with its exit status
 */
export async function explainFailedStart(words: readonly string[]): Promise<KelpError> {
  const [subject = ""] = words;
  if (subject.startsWith("job:")) return failedJob(subject.slice(4), words);
  const [id = "", planPath = "", data = "", runtime = "", mode = "run", , index = "", errno = ""] = words;
  const plan = decodePlan(readPlan(planPath)) ?? { ops: [] };
  const error = explainFailure({ plan, index: Number(index), errno: Number(errno), id });
  const ctx = await openContext({ root: data, runroot: runtime });
  await tidyUp(ctx, id, planPath, mode as Mode);
  return mode === "start" || mode === "exec-detached" ? withStatus(error, EXIT_FAILURE) : error;
}

function failedJob(name: string, words: readonly string[]): KelpError {
  const [, stage = "", index = "", errno = ""] = words;
  return new KelpError(
    "job-failed",
    `cannot enter the user namespace for ${name}: ${stage} operation ${index}: errno ${errno}`,
  );
}

function readPlan(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    return new Uint8Array();
  }
}

/** A container that never ran is in the state it was made in, and one with --rm is gone. */
async function tidyUp(ctx: Context, id: string, planPath: string, mode: Mode): Promise<void> {
  rmSync(planPath, { force: true });
  if (mode !== "run" && mode !== "start") return;
  rmSync(join(containerDir(ctx.paths, id), "starter"), { force: true });
  rmSync(join(containerRunDir(ctx.paths, id), "status"), { force: true });
  ctx.state.networks.detach(id);
  const record = ctx.state.containers.get(id);
  if (record?.config.autoRemove === true) await removeContainer(ctx, record, { force: true });
  ctx.state.containers.sweepGone();
}

function withStatus(error: KelpError, exitCode: number): KelpError {
  return new KelpError(error.code, error.message, {
    exitCode,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
