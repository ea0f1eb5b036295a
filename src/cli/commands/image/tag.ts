import { tagImage } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["tag"], ["image", "tag"]],
  summary: "Add further names to an image",
  usage: "IMAGE NAME [NAME...]",
  examples: [["kelp tag busybox quay.io/me/busybox:1", "Give an image the name it will be pushed under"]],
  options: {},
  args: { min: 2, completes: { each: ["image", "none"] } },
  async run({ args, globals }) {
    const ctx = await openContext(globals);
    tagImage(ctx, args[0] as string, args.slice(1));
    return 0;
  },
});
