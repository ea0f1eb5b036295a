import { imageConfig, pruneImages } from "../../../image/index.ts";
import { type ImageRecord, openContext } from "../../../state/index.ts";
import { agreedTo } from "../../ask.ts";
import { defineCommand } from "../../command.ts";
import { compileFilters, labelFilters, untilFilter } from "../../filters.ts";
import { FILTER_LONG_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["image", "prune"]],
  summary: "Remove unused images",
  description: "Images without a name; with --all every image no container uses.",
  usage: "[options]",
  options: {
    all: { kind: "boolean", short: "a", text: "Images with names as well" },
    "build-cache": { kind: "boolean", text: "Remove what builds keep too" },
    external: { kind: "boolean", text: "Containers of other tools; kelp's store has none" },
    ...FILTER_LONG_OPTION,
    force: { kind: "boolean", short: "f", text: "Do not ask" },
  },
  args: { min: 0, max: 0 },
  async run({ options, io, globals }) {
    const ctx = await openContext(globals);
    const matches = compileFilters<ImageRecord>(options.filter, {
      ...labelFilters<ImageRecord>((image) => imageConfig(image).config.Labels ?? {}),
      until: untilFilter<ImageRecord>((image) => image.created, Date.now()),
      dangling: { test: (value) => (image) => (image.names.length === 0) === (value === "true") },
    });
    if (!options.force && !(await agreedTo(io, warning(options.all)))) return 0;
    const report = await pruneImages(
      ctx,
      (image) => (options.all || image.names.length === 0) && matches(image),
    );
    for (const id of report.deleted) io.out(`${id}\n`);
    return 0;
  },
});

function warning(all: boolean): string {
  const what = all ? "all images without at least one container associated to them" : "all dangling images";
  return `WARNING! This command removes ${what}.\n`;
}
