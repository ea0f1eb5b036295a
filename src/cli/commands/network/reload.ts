import { isRunning, reloadNetworks, viewOf } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers } from "../../containers.ts";
import { ALL_OPTION, LATEST_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["network", "reload"]],
  summary: "Make the networks of containers anew",
  description:
    "Nothing outside can take kelp's own bridges and filters away; names of neighbours are written anew.",
  usage: "[options] [CONTAINER...]",
  options: { ...ALL_OPTION, ...LATEST_OPTION },
  args: { min: 0, checked: true, completes: "running" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    const { targets, failures } = chooseContainers(ctx, args, { ...options });
    if (failures[0] !== undefined) throw failures[0];
    for (const { record } of targets) {
      if (options.all && !isRunning(viewOf(ctx, record).status)) continue;
      reloadNetworks(ctx, record);
      io.out(`${record.id}\n`);
    }
    return 0;
  },
});
