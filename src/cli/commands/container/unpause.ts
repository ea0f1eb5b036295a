import { unpauseContainer, viewOf } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers, forEachContainer } from "../../containers.ts";
import { ALL_OPTION, CIDFILE_OPTION, FILTER_OPTION, LATEST_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["unpause"], ["container", "unpause"]],
  summary: "Unpause the processes in one or more containers",
  description: "Lets frozen processes go on where they were.",
  usage: "[options] CONTAINER [CONTAINER...]",
  examples: [
    ["kelp unpause web", "Let a container go on"],
    ["kelp unpause --all", "Let all paused containers go on"],
  ],
  options: { ...ALL_OPTION, ...CIDFILE_OPTION, ...FILTER_OPTION, ...LATEST_OPTION },
  args: { min: 1, checked: true, completes: "running" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    const selected = chooseContainers(ctx, args, options);
    const all = options.all || options.filter.length > 0;
    const targets = all
      ? selected.targets.filter(({ record }) => viewOf(ctx, record).status.state === "paused")
      : selected.targets;
    return forEachContainer(io, { ...selected, targets }, async ({ record, shown }) => {
      await unpauseContainer(ctx, record);
      return shown;
    });
  },
});
