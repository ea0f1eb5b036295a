import { UsageError } from "../../../base/index.ts";
import { requireUnshared, unmountImage } from "../../../container/index.ts";
import { findImage, listImages } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { ALL_LONG_OPTION } from "../../options/listing.ts";
import { spokenCommand } from "../../program.ts";

export default defineCommand({
  paths: [
    ["image", "unmount"],
    ["image", "umount"],
  ],
  summary: "Unmount the files of images",
  usage: "[options] IMAGE [IMAGE...]",
  options: {
    all: { ...ALL_LONG_OPTION.all, short: "a", text: "All images" },
    force: { kind: "boolean", short: "f", text: "Also what is in use" },
  },
  args: { min: 1, checked: true, completes: "image" },
  async run({ args, options, io, globals }) {
    requireUnshared(spokenCommand([]), "image unmount");
    if (options.all === args.length > 0)
      throw new UsageError("conflicting-flags", "give names of images, or --all");
    const ctx = await openContext(globals);
    const images = options.all
      ? listImages(ctx).map(({ record }) => record)
      : args.map((name) => findImage(ctx, name).record);
    for (const image of images) if (unmountImage(ctx, image, options.force)) io.out(`${image.id}\n`);
    return 0;
  },
});
