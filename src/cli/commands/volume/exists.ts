import { tidyEnded } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["volume", "exists"]],
  summary: "Check if a volume exists",
  description: "Exits with 0 if it does, with 1 if it does not, and prints nothing.",
  usage: "VOLUME",
  options: {},
  args: { min: 1, max: 1, completes: "volume" },
  async run({ args, globals }) {
    const ctx = await openContext(globals);
    await tidyEnded(ctx);
    return ctx.state.volumes.get(args[0]!) === undefined ? 1 : 0;
  },
});
