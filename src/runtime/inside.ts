/** Work as the user namespace's root: kelp executes itself there, and the two talk JSON. */
import { existsSync, readdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { HostError, IS_COMPILED, randomHex, StorageError } from "../base/index.ts";
import { ensureDir, ensureRuntimeDir, loadIdMaps, type Paths } from "../host/index.ts";
import { holdfastPath } from "./helper.ts";
import type { JobReply, JobRequest } from "./job.ts";
import { notExecutable, writePlan } from "./launch.ts";
import { lowerEnter } from "./lower-enter.ts";
import type { RootView } from "./lower-root-view.ts";

export interface InsideOptions {
  /** Descriptors the job gets as 3, 4, …: archives and streams that are no JSON. */
  readonly fds?: readonly number[];
  /** Roots of containers that the job sees, and nobody else, at their `merged` directories. */
  readonly views?: readonly RootView[];
}

/** argv of kelp itself; a run from source is Bun with the entry file. */
export function kelpCommand(): string[] {
  return IS_COMPILED ? [process.execPath] : [process.execPath, join(import.meta.dirname, "..", "main.ts")];
}

/**
 * Runs the job `name` (see the table in main.ts) in the base namespaces as uid 0 and resolves to what it
 * returns. Standard error is the caller's. An error of the job is thrown here with its code and hint.
 */
export async function runInside<I, O>(
  ctx: { readonly paths: Paths },
  name: string,
  input: I,
  options: InsideOptions = {},
): Promise<O> {
  const { paths } = ctx;
  const holdfast = holdfastPath(paths);
  const planPath = join(paths.runtime, `job-${process.pid}-${randomHex(4)}.plan`);
  ensureRuntimeDir(paths);
  ensureDir(join(paths.runtime, "live"));
  sweepPlans(paths.runtime);
  writePlan(planPath, jobPlan(paths, name, planPath, options));
  try {
    const request: JobRequest<I> = { root: paths.data, runroot: paths.runtime, input };
    const { status, output } = await converse(holdfast, planPath, JSON.stringify(request), options.fds ?? []);
    return readReply<O>(name, status, output);
  } finally {
    rmSync(planPath, { force: true });
  }
}

/** Deletes the plans of callers that were killed in the middle of a job or of `unshare`. */
export function sweepPlans(directory: string): void {
  for (const name of readdirSync(directory)) {
    const pid = name.match(/^(?:job|unshare)-(\d+)\b.*\.plan(\.|$)/)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(directory, name), { force: true });
  }
}

function jobPlan(paths: Paths, name: string, planPath: string, { fds = [], views = [] }: InsideOptions) {
  const env = [
    `HOME=${homedir()}`,
    "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
    `XDG_CONFIG_HOME=${dirname(paths.config)}`,
    `XDG_CACHE_HOME=${dirname(paths.cache)}`,
  ];
  return lowerEnter({
    paths,
    maps: loadIdMaps(),
    argv: [...kelpCommand(), "__job", name],
    env,
    cwd: "/",
    keepFds: fds.length,
    views,
    onFailure: {
      argv: [...kelpCommand(), "__failed", `job:${name}`, planPath, paths.data, paths.runtime],
      env,
    },
  });
}

function converse(
  holdfast: string,
  planPath: string,
  input: string,
  fds: readonly number[],
): Promise<{ status: number; output: string }> {
  const { spawn } = process.getBuiltinModule("node:child_process");
  const child = spawn(holdfast, ["enter", planPath], { stdio: ["pipe", "pipe", "inherit", ...fds], env: {} });
  const chunks: Buffer[] = [];
  child.stdout!.on("data", (chunk: Buffer) => chunks.push(chunk));
  // A job that ends before it has read everything says why in its reply or status.
  child.stdin!.on("error", () => {});
  child.stdin!.end(input);
  const ended = new Promise((resolve) => child.stdout!.once("end", resolve));
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => reject(notExecutable(holdfast, cause)));
    // Under Bun the exit may be reported before the last output: wait for both.
    child.once("exit", async (code) => {
      await ended;
      resolve({ status: code ?? 137, output: Buffer.concat(chunks).toString("utf8") });
    });
  });
}

function readReply<O>(name: string, status: number, output: string): O {
  const reply = parseReply<O>(output);
  if (reply === undefined) {
    throw new HostError(
      "job-failed",
      `cannot work in the user namespace: job ${name} ended with status ${status}`,
    );
  }
  if ("error" in reply) {
    const { code, message, hint, exitCode } = reply.error;
    throw new StorageError(code, message, { ...(hint === undefined ? {} : { hint }), exitCode });
  }
  return reply.output;
}

function parseReply<O>(output: string): JobReply<O> | undefined {
  try {
    return JSON.parse(output) as JobReply<O>;
  } catch {
    return undefined;
  }
}
