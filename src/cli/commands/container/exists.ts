import { NotFoundError } from "../../../base/index.ts";
import { resolveContainer } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["container", "exists"]],
  summary: "Check if a container exists",
  description: "Exits with 0 if it does, with 1 if it does not, and prints nothing.",
  usage: "[options] CONTAINER",
  options: {
    external: { kind: "boolean", text: "Also look for containers of other tools; kelp's store has none" },
  },
  args: { min: 1, max: 1, completes: "container" },
  async run({ args, globals }) {
    const ctx = await openContext(globals);
    try {
      resolveContainer(ctx, args[0]!);
      return 0;
    } catch (error) {
      if (error instanceof NotFoundError) return 1;
      throw error;
    }
  },
});
