/** RUN: a container like any other on the layers so far; what it leaves in overlay's upper directory is the layer. */
import { KelpError } from "../../base/index.ts";
import {
  type CreateRequest,
  createContainer,
  lacksEmulator,
  MOUNT_POINTS,
  prepareStart,
  removeContainer,
} from "../../container/index.ts";
import { containerDir } from "../../host/index.ts";
import { capturePlan } from "../../runtime/index.ts";
import type { Context } from "../../state/index.ts";
import type { StoredLayer } from "../../storage/index.ts";
import type { RunInstruction } from "../dockerfile/instruction.ts";
import type { Session } from "../session.ts";
import { chainOf, envMap, type StageState, shellOf } from "../stage-state.ts";
import type { LayerStep } from "../step-layers.ts";
import { PROXY_ARGS } from "../variables.ts";
import { type FindRoot, type ReadyMounts, type RunMounts, resolveRunMounts } from "./run-mounts.ts";
import { sealStep } from "./seal.ts";
import { noteOf, type StepContext } from "./step-context.ts";

export interface RunResult extends LayerStep {
  readonly history: string;
}

export async function runStep(
  instruction: RunInstruction,
  state: StageState,
  step: StepContext,
  findRoot: FindRoot,
): Promise<RunResult> {
  const { session } = step;
  // The file alone must not be able to ask for more than the command line does.
  if (instruction.network === "host" && session.request.run.network?.includes("host") !== true)
    step.fail("RUN --network=host needs the build's consent", "build with --network host");
  const { argv, script } = commandOf(instruction, state);
  const args = [...state.args].filter(([name]) => !PROXY_ARGS.has(name) && !envMap(state).has(name));
  const mounts = await resolveRunMounts(instruction, state, step, { script, findRoot });
  const env = [...args.map(([name, value]) => `${name}=${value}`), ...(state.config.Env ?? [])];
  const { User = "", WorkingDir = "/" } = state.config;
  const given = Object.fromEntries(
    [...session.request.runGiven].sort().map((name) => [name, session.request.run[name]]),
  );
  const key = session.key(
    "run",
    chainOf(state),
    argv,
    env,
    User,
    WorkingDir,
    instruction.network ?? "",
    mounts.key,
    given,
  );
  const make = () => perform(step, state, { argv, env, mounts, network: instruction.network });
  const note = noteOf(step);
  const result = await session.steps.layer({ key, note, below: state.layers, make });
  return { ...result, history: historyOf(args, argv) };
}

function historyOf(args: readonly (readonly [string, string])[], argv: readonly string[]): string {
  const given =
    args.length === 0 ? "" : `|${args.length} ${args.map(([name, value]) => `${name}=${value}`).join(" ")} `;
  return given + argv.join(" ");
}

/** What is executed. A heredoc alone is the script; one among words is input the shell reads. */
function commandOf(
  { command, heredocs }: RunInstruction,
  state: StageState,
): { argv: readonly string[]; script?: { readonly path: string; readonly content: string } } {
  if (command.form === "exec") return { argv: command.argv };
  const only =
    heredocs.length === 1 && /^<<-?\s*(['"]?)[^\s<'"]+\1$/.test(command.text) ? heredocs[0] : undefined;
  if (only === undefined) {
    const bodies = heredocs.map(({ name, content }) => `\n${content}${name}`).join("");
    return { argv: [...shellOf(state), command.text + bodies] };
  }
  if (!only.content.startsWith("#!")) return { argv: [...shellOf(state), only.content] };
  const path = `/dev/pipes/${only.name.replace(/[^\w.-]/g, "_")}`;
  return { argv: [path], script: { path, content: only.content } };
}

interface Work {
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly mounts: RunMounts;
  readonly network: string | undefined;
}

async function perform(step: StepContext, state: StageState, work: Work): Promise<StoredLayer> {
  const { session } = step;
  const { ctx } = session;
  return work.mounts.within(async (mounts) => {
    session.checkInterrupted();
    const { record } = await createContainer(ctx, request(step, state, work, mounts));
    session.running.add(record.id);
    try {
      session.checkInterrupted();
      const status = await start(step, record.id, [...proxies(session), ...mounts.secretEnv]);
      session.checkInterrupted();
      if (status !== 0) throw failed(step, state, work.argv, status);
      return await sealStep(session, {
        dir: containerDir(ctx.paths, record.id),
        below: state.layers,
        mountPoints: [
          ...MOUNT_POINTS,
          "/etc/localtime",
          ...record.config.mounts.map(({ destination }) => destination),
        ],
      });
    } finally {
      session.running.delete(record.id);
      const left = ctx.state.containers.get(record.id);
      if (left !== undefined) await removeContainer(ctx, left, { force: true, timeout: 0 });
    }
  });
}

function request(step: StepContext, state: StageState, work: Work, mounts: ReadyMounts): CreateRequest {
  const { session } = step;
  const { run, runGiven, environment, cwd } = session.request;
  const network = work.network === undefined || work.network === "default" ? {} : { network: [work.network] };
  return {
    image: `build:${state.base.image?.slice(0, 12) ?? "scratch"}`,
    command: work.argv,
    options: {
      ...run,
      ...network,
      mount: mounts.mount,
      tmpfs: mounts.tmpfs,
      env: run.env ?? [],
      "image-volume": "ignore",
      "http-proxy": false,
      "log-driver": "none",
      "no-healthcheck": true,
    },
    step: {
      architecture: state.architecture,
      layers: state.layers.map((layer) => layer.record.row),
      run: {
        Env: work.env,
        ...(state.config.User === undefined ? {} : { User: state.config.User }),
        ...(state.config.WorkingDir === undefined ? {} : { WorkingDir: state.config.WorkingDir }),
      },
    },
    given: new Set([...runGiven, ...Object.keys(network), "http-proxy", "log-driver", "image-volume"]),
    argv: ["build"],
    environment,
    cwd,
  };
}

/** The user's and the command line's. Their addresses often have a password: they are written into no record. */
function proxies({ args, request, ctx }: Session): string[] {
  const { run, runGiven, environment } = request;
  const wanted = runGiven.has("http-proxy") ? run["http-proxy"] === true : ctx.settings.httpProxy;
  const own = wanted ? [...PROXY_ARGS].flatMap((name) => pair(name, environment[name])) : [];
  return [...own, ...args.proxies().flatMap(([name, value]) => pair(name, value))];
}

function pair(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`${name}=${value}`];
}

async function start(step: StepContext, id: string, secretEnv: readonly string[]): Promise<number> {
  const { session, title } = step;
  const record = session.ctx.state.containers.get(id);
  if (record === undefined)
    throw new KelpError("step-removed", "cannot build: somebody removed the container of a step");
  const prepared = await prepareStart(session.ctx, record, {
    client: {
      attach: true,
      stdin: false,
      stdout: true,
      stderr: true,
      forwardSignals: true,
      detachKeys: new Uint8Array(),
      announce: "",
    },
    mode: "run",
    secretEnv,
  });
  return capturePlan(prepared.holdfast, "start", prepared.planPath, {
    out: (chunk) => session.reporter.output(title, "out", chunk),
    err: (chunk) => session.reporter.output(title, "err", chunk),
  });
}

function failed(step: StepContext, state: StageState, argv: readonly string[], status: number): KelpError {
  const { session } = step;
  const { message } = step.error(`RUN ended with exit status ${status}${foreign(session.ctx, state)}`);
  const hint = `it ran ${argv.join(" ").split("\n")[0]?.slice(0, 200)}`;
  return new KelpError("step-failed", message, { exitCode: status, hint });
}

/** Without an emulator nothing of another machine's runs, and no program says why. */
function foreign(ctx: Context, { architecture }: StageState): string {
  if (!lacksEmulator(ctx, architecture)) return "";
  return `: the stage is for ${architecture}, whose programs this machine does not run; install qemu-user-static, or begin the stage with FROM --platform=$BUILDPLATFORM`;
}
