import { isRunning, killContainer, parseSignal, viewOf } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers, forEachContainer } from "../../containers.ts";
import { ALL_OPTION, CIDFILE_OPTION, LATEST_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["kill"], ["container", "kill"]],
  summary: "Kill one or more running containers with a specific signal",
  usage: "[options] CONTAINER [CONTAINER...]",
  examples: [
    ["kelp kill web", "End a container at once"],
    ["kelp kill --signal HUP web", "Send a signal"],
  ],
  options: {
    ...ALL_OPTION,
    ...CIDFILE_OPTION,
    ...LATEST_OPTION,
    signal: { kind: "string", short: "s", value: "SIGNAL", text: "Signal to send", default: "KILL" },
  },
  args: { min: 1, checked: true, completes: "running" },
  async run({ io, args, options, globals }) {
    const signal = parseSignal(options.signal);
    const ctx = await openContext(globals);
    const selected = chooseContainers(ctx, args, options);
    const targets = options.all
      ? selected.targets.filter(({ record }) => isRunning(viewOf(ctx, record).status))
      : selected.targets;
    return forEachContainer(io, { ...selected, targets }, async ({ record, shown }) => {
      await killContainer(ctx, record, signal);
      return shown;
    });
  },
});
