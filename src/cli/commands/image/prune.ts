import { parseTime } from "../../../base/index.ts";
import { pruneBuildCache } from "../../../build/index.ts";
import { imageConfig, pruneImages } from "../../../image/index.ts";
import { type Context, type ImageRecord, openContext } from "../../../state/index.ts";
import { agreedTo } from "../../ask.ts";
import { defineCommand, type Io } from "../../command.ts";
import { compileFilters, labelFilters, untilFilter } from "../../filters.ts";
import { FILTER_LONG_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["image", "prune"]],
  summary: "Remove unused images",
  description: "Images without a name; with --all every image no container uses.",
  usage: "[options]",
  options: {
    all: { kind: "boolean", short: "a", text: "Images with names as well" },
    "build-cache": {
      kind: "boolean",
      text: "Also what builds keep; with --all what images contain and cache mounts, too",
    },
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
    if (options["build-cache"]) await pruneCache(ctx, io, options);
    return 0;
  },
});

/** What no image has, or with --all everything; `until` is about the last use. */
async function pruneCache(
  ctx: Context,
  io: Io,
  { all, filter }: { readonly all: boolean; readonly filter: readonly string[] },
): Promise<void> {
  const until = filter.findLast((word) => word.startsWith("until="))?.slice("until=".length);
  const usedBefore = until === undefined ? {} : { usedBefore: parseTime(until, Date.now()) };
  const { keys } = await pruneBuildCache(ctx, { all, ...usedBefore });
  for (const key of keys) io.out(`${key}\n`);
}

function warning(all: boolean): string {
  const what = all ? "all images without at least one container associated to them" : "all dangling images";
  return `WARNING! This command removes ${what}.\n`;
}
