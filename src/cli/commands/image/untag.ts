import { untagImage } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["untag"], ["image", "untag"]],
  summary: "Take names away from an image",
  description: "Without names all of them are taken away. The image stays.",
  usage: "IMAGE [NAME...]",
  options: {},
  args: { min: 1, completes: "image" },
  async run({ args, globals }) {
    const ctx = await openContext(globals);
    untagImage(ctx, args[0] as string, args.slice(1));
    return 0;
  },
});
