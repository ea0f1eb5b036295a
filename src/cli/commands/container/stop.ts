import { removeUnusedImage, stopContainer, sweepEnded } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers, forEachContainer, stopRequest } from "../../containers.ts";
import { ALL_OPTION, CIDFILE_OPTION, FILTER_OPTION, LATEST_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["stop"], ["container", "stop"]],
  summary: "Stop one or more containers",
  description:
    "Sends each container its stop signal and, if it has not ended in time, SIGKILL. Resolves when all have ended.",
  usage: "[options] CONTAINER [CONTAINER...]",
  examples: [
    ["kelp stop web", "Stop a container"],
    ["kelp stop --time 2 --all", "Stop all containers, patiently for two seconds"],
  ],
  options: {
    ...ALL_OPTION,
    ...CIDFILE_OPTION,
    ...FILTER_OPTION,
    ...LATEST_OPTION,
    ignore: { kind: "boolean", short: "i", text: "Pass over containers and files that do not exist" },
    signal: {
      kind: "string",
      short: "s",
      value: "SIGNAL",
      text: "Signal to send instead of the container's own",
    },
    time: {
      kind: "int",
      short: "t",
      aliases: ["timeout"],
      value: "SECONDS",
      text: "Time before the container is killed; -1 waits for ever",
    },
  },
  args: { min: 1, checked: true, completes: "running" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    const selected = chooseContainers(ctx, args, options);
    const how = stopRequest(options);
    return forEachContainer(
      io,
      selected,
      async ({ record, shown }) => {
        await stopContainer(ctx, record, how);
        if (record.config.removeImage) {
          await sweepEnded(ctx);
          await removeUnusedImage(ctx, record.config.image);
        }
        return shown;
      },
      { parallel: true },
    );
  },
});
