import { humanSize } from "../../../base/index.ts";
import { findImage, imageTree } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["image", "tree"]],
  summary: "Show the layers of an image",
  usage: "[options] IMAGE",
  options: { whatrequires: { kind: "boolean", text: "Show the images that share its layers" } },
  args: { min: 1, max: 1, completes: "image" },
  async run({ args, options, io, globals }) {
    const ctx = await openContext(globals);
    const tree = imageTree(ctx, findImage(ctx, args[0] as string).record);
    io.out(
      `Image ID: ${tree.id.slice(0, 12)}\nTags:     [${tree.tags.join(" ")}]\nSize:     ${humanSize(tree.size)}\n`,
    );
    io.out(tree.layers.length === 0 ? "No Image Layers\n" : "Image Layers\n");
    for (const [index, { layer, topOf }] of tree.layers.entries()) {
      const branch = index === tree.layers.length - 1 ? "└──" : "├──";
      const others = options.whatrequires || topOf.length > 0 ? ` Top Layer of: [${topOf.join(" ")}]` : "";
      const top = topOf.length === 0 ? "" : others;
      io.out(`${branch} ID: ${layer.chainId.slice(7, 19)} Size: ${humanSize(layer.size)}${top}\n`);
    }
    return 0;
  },
});
