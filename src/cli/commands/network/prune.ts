import { removeNetwork, usingNetwork } from "../../../container/index.ts";
import { DEFAULT_NETWORK, listNetworks } from "../../../network/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand, type Io } from "../../command.ts";
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
    if (!options.force && !(await agreed(io))) return 0;
    const wanted = networkPredicate(ctx, options.filter);
    for (const network of listNetworks(ctx)) {
      if (network.name === DEFAULT_NETWORK || !wanted(network) || usingNetwork(ctx, network).length > 0)
        continue;
      await removeNetwork(ctx, network);
      io.out(`${network.name}\n`);
    }
    return 0;
  },
});

async function agreed(io: Io): Promise<boolean> {
  io.out(
    "WARNING! This will remove all networks not used by at least one container.\nAre you sure you want to continue? [y/N] ",
  );
  for await (const chunk of io.stdin()) return /^\s*y/i.test(chunk.toString());
  return false;
}
