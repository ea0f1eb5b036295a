import { UsageError } from "../../../base/index.ts";
import {
  isReadyToStart,
  isRunning,
  prepareStart,
  releaseFailure,
  releaseHeld,
  sdNotifyMode,
  socketPath,
  type Target,
  viewOf,
} from "../../../container/index.ts";
import { holdfastPath, runPlan } from "../../../runtime/index.ts";
import { type Context, openContext, type SdNotifyMode, writeContainerEvent } from "../../../state/index.ts";
import {
  attachTo,
  clientConfig,
  DETACHED,
  handOver,
  resultsOf,
  type Streams,
  terminalSize,
} from "../../attach.ts";
import { defineCommand, type Globals } from "../../command.ts";
import { chooseContainers, forEachContainer } from "../../containers.ts";
import { ALL_LONG_OPTION, FILTER_OPTION, LATEST_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["start"], ["container", "start"]],
  summary: "Start one or more containers",
  usage: "[options] CONTAINER [CONTAINER...]",
  examples: [
    ["kelp start web", "Start a container again"],
    ["kelp start --attach --interactive shell", "Start a container and work in it"],
  ],
  options: {
    ...ALL_LONG_OPTION,
    ...FILTER_OPTION,
    ...LATEST_OPTION,
    attach: { kind: "boolean", short: "a", text: "Attach to the container's output" },
    "detach-keys": {
      kind: "string",
      value: "KEYS",
      text: "Keys that leave the terminal of a running container; empty for none",
    },
    interactive: { kind: "boolean", short: "i", text: "Attach to its input as well" },
    sdnotify: {
      kind: "string",
      value: "MODE",
      text: "Who tells systemd that the service is ready, instead of what the container was made with",
      completes: ["container", "conmon", "healthy", "ignore"],
    },
    "sig-proxy": { kind: "boolean", default: true, text: "Pass signals on to the container" },
  },
  args: { min: 1, checked: true, completes: "container" },
  async run({ io, args, options, globals }) {
    if (options.all && args.length > 0) {
      throw new UsageError(
        "conflicting-flags",
        "either start all containers or the container(s) provided in the arguments",
      );
    }
    const sdnotify = options.sdnotify === undefined ? undefined : sdNotifyMode(options.sdnotify);
    const ctx = await openContext(globals);
    const selected = chooseContainers(ctx, args, options);
    const attach = options.attach || (options.interactive && selected.targets.length === 1);
    if (attach && selected.targets.length > 1) {
      throw new UsageError("conflicting-flags", "you cannot start and attach multiple containers at once");
    }
    const [only] = selected.targets;
    if (attach && only !== undefined) {
      const streams = { stdin: options.interactive, stdout: true, stderr: true };
      return startAttached(ctx, only, streams, {
        detachKeys: options["detach-keys"],
        sigProxy: options["sig-proxy"],
        sdnotify,
        globals,
      });
    }
    const targets = options.all
      ? selected.targets.filter(({ record }) => !isRunning(viewOf(ctx, record).status))
      : selected.targets;
    let status = 0;
    const failed = await forEachContainer(io, { ...selected, targets }, async (target) => {
      if (isRunning(viewOf(ctx, target.record).status)) return target.shown;
      if (await isReadyToStart(ctx, target.record, sdnotify)) {
        await releaseHeld(ctx, target.record);
        return target.shown;
      }
      status = (await startDetached(ctx, target, globals, sdnotify)) || status;
      return undefined;
    });
    return failed || status;
  },
});

async function startAttached(
  ctx: Context,
  { record }: Target,
  streams: Streams,
  how: {
    readonly detachKeys: string | undefined;
    readonly sigProxy: boolean;
    readonly sdnotify: SdNotifyMode | undefined;
    readonly globals: Globals;
  },
): Promise<number> {
  const client = clientConfig(ctx, { ...how, streams, announce: "" });
  if (isRunning(viewOf(ctx, record).status)) {
    return attachTo(holdfastPath(ctx.paths), socketPath(ctx, record.id), client);
  }
  if (await isReadyToStart(ctx, record, how.sdnotify)) {
    writeContainerEvent(ctx, "attach", record);
    const failure = releaseFailure(ctx, record);
    return attachTo(holdfastPath(ctx.paths), socketPath(ctx, record.id), client, failure);
  }
  const prepared = await prepareStart(ctx, record, {
    client,
    mode: "run",
    sdnotify: how.sdnotify,
    consoleSize: record.config.tty ? terminalSize() : undefined,
  });
  ctx.state.close();
  return handOver(how.globals, "start", prepared);
}

/** holdfast says the name when the container is up, `kelp __failed` what went wrong. */
async function startDetached(
  ctx: Context,
  { record, shown }: Target,
  globals: Globals,
  sdnotify: SdNotifyMode | undefined,
): Promise<number> {
  const client = clientConfig(ctx, {
    streams: DETACHED,
    detachKeys: "",
    sigProxy: false,
    announce: `${shown}\n`,
  });
  const prepared = await prepareStart(ctx, record, { client, mode: "start", sdnotify });
  return runPlan(prepared.holdfast, "start", prepared.planPath, prepared.keepFds, resultsOf(globals));
}
