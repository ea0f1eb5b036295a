import { UsageError } from "../../../base/index.ts";
import { imagePlace, mountedImages, mountImage, requireUnshared } from "../../../container/index.ts";
import { findImage, listImages } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { printJson } from "../../format.ts";
import { ALL_LONG_OPTION } from "../../options/listing.ts";
import { spokenCommand } from "../../program.ts";
import { alignColumns } from "../../table.ts";

export default defineCommand({
  paths: [["image", "mount"]],
  summary: "Mount the files of images for reading, and print where",
  description: "Only within kelp unshare. Without a name the images that are mounted are listed.",
  usage: "[options] [IMAGE...]",
  options: {
    all: { ...ALL_LONG_OPTION.all, short: "a", text: "All images" },
    format: { kind: "string", value: "FORMAT", text: "Print as json", completes: ["json"] },
  },
  args: { min: 0, completes: "image" },
  async run({ args, options, io, globals }) {
    requireUnshared(spokenCommand([]), "image mount");
    if (options.format !== undefined && options.format !== "json")
      throw new UsageError("invalid-format", `unknown --format argument: ${JSON.stringify(options.format)}`);
    const ctx = await openContext(globals);
    const all = listImages(ctx).map(({ record }) => record);
    const wanted = options.all ? all : args.map((name) => findImage(ctx, name).record);
    for (const image of wanted) mountImage(ctx, image);
    const mounted = new Set(mountedImages(ctx));
    const shown = wanted.length > 0 ? wanted : all.filter(({ id }) => mounted.has(id));
    const rows = shown.map((image) => ({
      id: image.id,
      Repositories: image.names,
      mountpoint: imagePlace(ctx, image),
    }));
    if (options.format === "json") io.out(printJson(rows));
    else if (rows.length === 1 && args.length === 1) io.out(`${rows[0]!.mountpoint}\n`);
    else
      io.out(
        alignColumns(rows.map(({ id, Repositories, mountpoint }) => [Repositories[0] ?? id, mountpoint])),
      );
    return 0;
  },
});
