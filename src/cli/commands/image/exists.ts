import { tryFindImage } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["image", "exists"]],
  summary: "Check whether an image is in the store",
  description: "Prints nothing; the exit status is 0 if it is there and 1 if it is not.",
  usage: "IMAGE",
  options: {},
  args: { min: 1, max: 1, completes: "image" },
  async run({ args, globals }) {
    const ctx = await openContext(globals);
    return tryFindImage(ctx, args[0] as string) === undefined ? 1 : 0;
  },
});
