import {
  isRunning,
  prepareStart,
  type StopRequest,
  stopToRestart,
  type Target,
  viewOf,
} from "../../../container/index.ts";
import { runPlan } from "../../../runtime/index.ts";
import { type Context, openContext, writeContainerEvent } from "../../../state/index.ts";
import { clientConfig, DETACHED } from "../../attach.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers, forEachContainer, stopRequest } from "../../containers.ts";
import { ALL_OPTION, CIDFILE_OPTION, FILTER_OPTION, LATEST_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["restart"], ["container", "restart"]],
  summary: "Restart one or more containers",
  usage: "[options] CONTAINER [CONTAINER...]",
  examples: [["kelp restart web", "Stop a container and start it again"]],
  options: {
    ...ALL_OPTION,
    ...CIDFILE_OPTION,
    ...FILTER_OPTION,
    ...LATEST_OPTION,
    running: { kind: "boolean", text: "Only containers that run" },
    signal: { kind: "string", short: "s", value: "SIGNAL", text: "Signal to stop them with" },
    time: {
      kind: "int",
      short: "t",
      aliases: ["timeout"],
      value: "SECONDS",
      text: "Time before the container is killed; -1 waits for ever",
    },
  },
  args: { min: 1, checked: true, completes: "container" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    const all = options.all || (options.running && args.length === 0);
    const selected = chooseContainers(ctx, args, { ...options, all });
    const targets = options.running
      ? selected.targets.filter(({ record }) => isRunning(viewOf(ctx, record).status))
      : selected.targets;
    const how = stopRequest(options);
    let status = 0;
    const failed = await forEachContainer(io, { ...selected, targets }, async (target) => {
      status = (await restartOne(ctx, target, how, globals.noout)) || status;
      return undefined;
    });
    return failed || status;
  },
});

async function restartOne(
  ctx: Context,
  { record, shown }: Target,
  how: StopRequest,
  silent: boolean,
): Promise<number> {
  await stopToRestart(ctx, record, how);
  writeContainerEvent(ctx, "restart", record);
  const client = clientConfig(ctx, {
    streams: DETACHED,
    detachKeys: "",
    sigProxy: false,
    announce: silent ? "" : `${shown}\n`,
  });
  const prepared = await prepareStart(ctx, record, { client, mode: "start" });
  return runPlan(prepared.holdfast, "start", prepared.planPath, prepared.keepFds);
}
