import { pauseContainer, viewOf } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers, forEachContainer } from "../../containers.ts";
import { ALL_OPTION, CIDFILE_OPTION, FILTER_OPTION, LATEST_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["pause"], ["container", "pause"]],
  summary: "Pause all the processes in one or more containers",
  description: "Freezes the container's control group: nothing in it runs until kelp unpause.",
  usage: "[options] CONTAINER [CONTAINER...]",
  examples: [
    ["kelp pause web", "Freeze a container"],
    ["kelp pause --all", "Freeze all running containers"],
  ],
  options: { ...ALL_OPTION, ...CIDFILE_OPTION, ...FILTER_OPTION, ...LATEST_OPTION },
  args: { min: 1, checked: true, completes: "running" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    const selected = chooseContainers(ctx, args, options);
    const all = options.all || options.filter.length > 0;
    const targets = all
      ? selected.targets.filter(({ record }) => viewOf(ctx, record).status.state === "running")
      : selected.targets;
    return forEachContainer(io, { ...selected, targets }, async ({ record, shown }) => {
      await pauseContainer(ctx, record);
      return shown;
    });
  },
});
