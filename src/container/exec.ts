/** One more process in a running container. */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConflictError, type KelpError } from "../base/index.ts";
import { containerRunDir } from "../host/index.ts";
import {
  type ClientConfig,
  compiledSeccomp,
  holdfastPath,
  kelpCommand,
  type LiveStatus,
  liveState,
  lowerExec,
  makeExecProcess,
  type Plan,
  resolveUser,
  writePlan,
} from "../runtime/index.ts";
import { type ContainerRecord, type Context, writeContainerEvent } from "../state/index.ts";
import { execCgroup } from "./cgroup.ts";
import { checkWorkdir } from "./config-words.ts";
import { userEnv } from "./env.ts";
import { helperEnvironment } from "./helper-env.ts";
import { type KeptFds, keptNumbers, keptSpan } from "./kept-fds.ts";
import { runningSpec } from "./running-spec.ts";
import { secretVariables } from "./secrets.ts";
import type { Prepared } from "./start.ts";
import { statusOf } from "./status.ts";

export interface ExecOptions {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly envFiles: readonly string[];
  readonly caller: Readonly<Record<string, string | undefined>>;
  readonly workdir: string | undefined;
  /** Absent: the container's. */
  readonly user: string | undefined;
  readonly tty: boolean;
  readonly privileged: boolean;
  readonly preserveFds: KeptFds;
  /** Of the caller's terminal, for a process that gets one. */
  readonly consoleSize?: { readonly height: number; readonly width: number } | undefined;
  readonly client: ClientConfig;
}

/** holdfast reads a plan at once; what is older was left by an exec that is under way or over. */
const PLAN_AGE_MS = 10_000;

/**
 * Writes the plan of one exec.
 *
 * @throws {ConflictError} if the container does not run
 */
export async function prepareExec(
  ctx: Context,
  record: ContainerRecord,
  options: ExecOptions,
): Promise<Prepared> {
  const { config, id } = record;
  const live = requireLive(ctx, record);
  const { spec, user, users, facts } = await runningSpec(ctx, record);
  const execProcess = makeExecProcess(
    spec,
    config,
    {
      args: options.args,
      env: [
        ...(await secretVariables(ctx, record)),
        ...[...userEnv(options.env, options.envFiles, options.caller)].map(
          ([name, value]) => `${name}=${value}`,
        ),
      ],
      ...(options.workdir === undefined || options.workdir === ""
        ? {}
        : { workdir: checkWorkdir(options.workdir) }),
      user:
        options.user === undefined || options.user === ""
          ? user
          : resolveUser(options.user, config.groupAdd, users),
      tty: options.tty,
      privileged: options.privileged,
      ...(options.tty && options.consoleSize !== undefined ? { consoleSize: options.consoleSize } : {}),
    },
    facts,
  );
  const planPath = freshPlanPath(ctx, id);
  const keepFds = keptNumbers(0, options.preserveFds);
  const common: CommonInput = {
    process: execProcess,
    monitor: live.monitor,
    client: options.client,
    keepFds: keptSpan(keepFds, config.runtime),
    onFailure: onFailure(ctx, id, planPath, options.client),
  };
  const { plan, failure } = await planExec(ctx, record, planPath, common, async () =>
    lowerExec({
      ...common,
      namespaces: spec.linux.namespaces,
      init: live.init,
      facts,
      seccomp: await compiledSeccomp(spec, config),
      cgroup: await execCgroup(ctx, record),
      keepGroups: config.groupAdd.includes("keep-groups"),
    }),
  );
  writePlan(planPath, plan);
  writeContainerEvent(ctx, "exec", record);
  return {
    holdfast: holdfastPath(ctx.paths),
    planPath,
    keepFds,
    ...(failure === undefined ? {} : { failure }),
  };
}

type CommonInput = Pick<
  Parameters<typeof lowerExec>[0],
  "process" | "monitor" | "client" | "keepFds" | "onFailure"
>;

/** holdfast's own exec, or that of the OCI runtime which made the container: only that knows the way in. */
async function planExec(
  ctx: Context,
  { config: { runtime }, id }: ContainerRecord,
  planPath: string,
  common: CommonInput,
  own: () => Promise<Plan>,
): Promise<{ readonly plan: Plan; readonly failure?: () => KelpError | undefined }> {
  if (runtime === undefined) return { plan: await own() };
  const { externalExecError, externalExecPlan } = await import("./external.ts");
  const plan = externalExecPlan(ctx, runtime, id, planPath, common);
  return { plan, failure: () => externalExecError(runtime, planPath) };
}

function requireLive(ctx: Context, record: ContainerRecord): LiveStatus {
  const live = liveState(ctx, record.id);
  if (live.state !== "running" || live.pause !== undefined || live.held) {
    throw new ConflictError(
      "not-running",
      "can only create exec sessions on running containers: container state improper",
    );
  }
  if (statusOf(ctx, record).state === "paused") {
    throw new ConflictError(
      "paused",
      `cannot execute in container ${record.name}: it is paused: container state improper`,
      { hint: `Let it go on first: kelp unpause ${record.name}` },
    );
  }
  return live;
}

function onFailure(
  ctx: Context,
  id: string,
  planPath: string,
  client: ClientConfig,
): CommonInput["onFailure"] {
  const mode = client.attach ? "exec" : "exec-detached";
  const { data, runtime } = ctx.paths;
  return {
    argv: [...kelpCommand(), "__failed", id, planPath, data, runtime, mode],
    env: helperEnvironment(ctx),
  };
}

/** kelp becomes holdfast and can delete nothing afterwards: each exec deletes the plans of those before it. */
function freshPlanPath(ctx: Context, id: string): string {
  const directory = containerRunDir(ctx.paths, id);
  for (const name of readdirSync(directory)) {
    if (!name.startsWith("exec-")) continue;
    const path = join(directory, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && Math.abs(Date.now() - found.mtimeMs) > PLAN_AGE_MS)
      rmSync(path, { force: true });
  }
  return join(directory, `exec-${process.pid}-${Date.now().toString(36)}.plan`);
}
