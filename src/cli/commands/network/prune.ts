import { removeNetwork, usingNetwork } from "../../../container/index.ts";
import { DEFAULT_NETWORK, listNetworks } from "../../../network/index.ts";
import { openContext } from "../../../state/index.ts";
import { agreedTo } from "../../ask.ts";
import { defineCommand } from "../../command.ts";
import { networkPredicate } from "../../network-filters.ts";
import { FILTER_LONG_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["network", "prune"]],
  summary: "Remove unused networks",
  usage: "[options]",
  options: { ...FILTER_LONG_OPTION, force: { kind: "boolean", short: "f", text: "Do not ask" } },
  args: { min: 0, max: 0 },
  async run({ io, options, globals }) {
    const ctx = await openContext(globals);
    const wanted = networkPredicate(ctx, options.filter);
    const warning = "WARNING! This will remove all networks not used by at least one container.\n";
    if (!options.force && !(await agreedTo(io, warning))) return 0;
    for (const network of listNetworks(ctx)) {
      if (network.name === DEFAULT_NETWORK || !wanted(network) || usingNetwork(ctx, network).length > 0)
        continue;
      await removeNetwork(ctx, network);
      io.out(`${network.name}\n`);
    }
    return 0;
  },
});
