import { inspectNetworkMembers } from "../../../container/index.ts";
import { requireNetwork } from "../../../network/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { INSPECT_FORMAT, inspectEach } from "../../inspected.ts";
import { networkFields } from "../../network-fields.ts";

export default defineCommand({
  paths: [["network", "inspect"]],
  summary: "Display network configuration",
  usage: "[options] NETWORK [NETWORK...]",
  options: INSPECT_FORMAT,
  args: { min: 1, completes: "network" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    return inspectEach(io, {
      names: args,
      find: (name) => inspectNetworkMembers(ctx, requireNetwork(ctx, name)),
      format: options.format,
      template: "network inspect",
      fields: networkFields,
    });
  },
});
