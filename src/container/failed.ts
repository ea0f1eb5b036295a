/** The role `__failed`: holdfast could not start something, kelp says why and tidies up. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { KelpError } from "../base/index.ts";
import { containerDir, containerRunDir, hostFacts, hostProblem } from "../host/index.ts";
import { decodePlan, explainFailure, holdfastPath } from "../runtime/index.ts";
import { type Context, openContext } from "../state/index.ts";
import { removeCgroup } from "./cgroup.ts";
import { cgroupOf } from "./cgroup-note.ts";
import { removeContainer } from "./remove.ts";

const EXIT_FAILURE = 125;

/** `run`: the caller waits for the container's status; the others only asked for a start. */
type Mode = "run" | "start" | "exec" | "exec-detached";

/**
 * @param words `ID PLAN DATA RUNTIME MODE STAGE INDEX ERRNO`, or `job:NAME PLAN DATA RUNTIME STAGE INDEX ERRNO`
 * @returns the error to report, with its exit status
 */
export async function explainFailedStart(words: readonly string[]): Promise<KelpError> {
  const [subject = ""] = words;
  if (subject.startsWith("job:")) return failedJob(subject.slice(4), words);
  const [id = "", planPath = "", data = "", runtime = "", mode = "run", , index = "", errno = ""] = words;
  const plan = decodePlan(readPlan(planPath)) ?? { ops: [] };
  const ctx = await openContext({ root: data, runroot: runtime });
  const error =
    hostReason(ctx, Number(errno)) ??
    explainFailure({
      plan,
      index: Number(index),
      errno: Number(errno),
      id,
      architecture: ctx.state.containers.get(id)?.config.architecture,
      runtimeLog: readText(join(containerRunDir(ctx.paths, id), "oci.log")),
    });
  // What is there is another life's.
  if (error.code !== "lives-elsewhere") await tidyUp(ctx, id, planPath, mode as Mode);
  return mode === "start" || mode === "exec-detached" ? withStatus(error, EXIT_FAILURE) : error;
}

async function failedJob(name: string, words: readonly string[]): Promise<KelpError> {
  const [, planPath = "", root = "", runroot = "", , index = "", errno = ""] = words;
  const ctx = await openContext({ root, runroot });
  const plan = decodePlan(readPlan(planPath)) ?? { ops: [] };
  rmSync(planPath, { force: true });
  const error =
    hostReason(ctx, Number(errno)) ??
    explainFailure({
      plan,
      index: Number(index),
      errno: Number(errno),
      id: "",
      purpose: `enter the user namespace for ${name}`,
    });
  return withStatus(error, EXIT_FAILURE);
}

/** EPERM, EACCES, EINVAL, ENOSPC, ENOSYS: what a kernel or policy answers that forbids user namespaces. */
const FORBIDDING = new Set([1, 13, 22, 28, 38]);

/** What is wrong with the machine, if that is why something failed: looked at again, since it may have changed. */
function hostReason(ctx: Context, errno: number): KelpError | undefined {
  if (!FORBIDDING.has(errno)) return undefined;
  try {
    return hostProblem(hostFacts(ctx.paths, holdfastPath(ctx.paths), true));
  } catch {
    return undefined;
  }
}

function readText(path: string): string {
  return Buffer.from(readPlan(path)).toString();
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
  removeCgroup(cgroupOf(ctx, id));
  ctx.state.networks.detach(id);
  const record = ctx.state.containers.get(id);
  if (record?.config.autoRemove === true) await removeContainer(ctx, record, { force: true });
  ctx.state.containers.sweepGone();
}

function withStatus(error: KelpError, exitCode: number): KelpError {
  if (error.exitCode === exitCode) return error;
  return new KelpError(error.code, error.message, {
    exitCode,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
