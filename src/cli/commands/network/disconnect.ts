import { disconnectNetwork, resolveContainer } from "../../../container/index.ts";
import { requireNetwork } from "../../../network/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["network", "disconnect"]],
  summary: "Remove a container from a network",
  usage: "[options] NETWORK CONTAINER",
  options: {
    force: { kind: "boolean", short: "f", text: "Taken for compatibility; leaving never needs force" },
  },
  args: { min: 2, max: 2, completes: { each: ["network", "container"] } },
  async run({ args, globals }) {
    const ctx = await openContext(globals);
    const network = requireNetwork(ctx, args[0]!);
    return disconnectNetwork(ctx, resolveContainer(ctx, args[1]!), network);
  },
});
