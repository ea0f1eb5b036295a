import { checkContainerName, renameContainer, resolveContainer } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["rename"], ["container", "rename"]],
  summary: "Rename an existing container",
  usage: "CONTAINER NAME",
  examples: [["kelp rename swift_otter web", "Give a container another name"]],
  options: {},
  args: { min: 2, max: 2, completes: { each: ["container", "none"] } },
  async run({ args, globals }) {
    const ctx = await openContext(globals);
    const record = resolveContainer(ctx, args[0]!);
    const name = checkContainerName(args[1]!);
    if (name !== record.name) renameContainer(ctx, record, name);
    return 0;
  },
});
