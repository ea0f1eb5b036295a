import { imageNotKnown, inspectImage, tryFindImage } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { INSPECT_FORMAT, inspectEach } from "../../inspected.ts";

export default defineCommand({
  paths: [["image", "inspect"]],
  summary: "Display the configuration of images",
  usage: "[options] IMAGE [IMAGE...]",
  options: INSPECT_FORMAT,
  args: { min: 1, completes: "image" },
  async run({ args, options, io, globals }) {
    const ctx = await openContext(globals);
    return inspectEach(io, {
      names: args,
      format: options.format,
      find: (name) => {
        const found = tryFindImage(ctx, name);
        if (found === undefined) throw imageNotKnown(ctx, name);
        return inspectImage(ctx, found.record);
      },
    });
  },
});
