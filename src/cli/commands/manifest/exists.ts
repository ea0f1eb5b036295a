import { listOf, tryFindImage } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["manifest", "exists"]],
  summary: "Check if an index is in the store",
  usage: "LIST",
  examples: [["kelp manifest exists mylist", "Exit status 0 if it is there, 1 if not"]],
  options: {},
  args: { min: 1, max: 1, completes: "image" },
  async run({ args: [name = ""], globals }) {
    const ctx = await openContext(globals);
    const found = tryFindImage(ctx, name);
    if (found === undefined) return 1;
    return listOf(ctx, found.record) === undefined ? 1 : 0;
  },
});
