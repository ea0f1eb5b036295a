import { findNetwork } from "../../../network/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["network", "exists"]],
  summary: "Check if a network exists",
  description: "Prints nothing; the exit status is 0 if it is there and 1 if it is not.",
  usage: "NETWORK",
  options: {},
  args: { min: 1, max: 1, completes: "network" },
  async run({ args, globals }) {
    const ctx = await openContext(globals);
    return findNetwork(ctx, args[0] as string) === undefined ? 1 : 0;
  },
});
