import { isLive, reloadNetworks, viewOf } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers } from "../../containers.ts";
import { ALL_OPTION, LATEST_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["network", "reload"]],
  summary: "Make the networks of containers anew",
  description:
    "Bridges, filters and the uplink are made where they are missing, names of neighbours written anew.",
  usage: "[options] [CONTAINER...]",
  options: { ...ALL_OPTION, ...LATEST_OPTION },
  args: { min: 0, checked: true, completes: "running" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    const { targets, failures } = chooseContainers(ctx, args, { ...options });
    if (failures[0] !== undefined) throw failures[0];
    let status = 0;
    for (const { record } of targets) {
      if (options.all && !isLive(viewOf(ctx, record).status)) continue;
      status = (await reloadNetworks(ctx, record)) || status;
      io.out(`${record.id}\n`);
    }
    return status;
  },
});
