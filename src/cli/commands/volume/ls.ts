import { tidyEnded } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { inspectVolume } from "../../../volume/index.ts";
import { defineCommand } from "../../command.ts";
import { printFormatted } from "../../format.ts";
import { FORMAT_OPTION, filterOn, HEADING_OPTION, QUIET_OPTION } from "../../options/listing.ts";
import { volumePredicate } from "../../volume-filters.ts";

export default defineCommand({
  paths: [
    ["volume", "ls"],
    ["volume", "list"],
  ],
  summary: "List volumes",
  usage: "[options]",
  options: { ...filterOn("volumes"), ...FORMAT_OPTION, ...HEADING_OPTION, ...QUIET_OPTION },
  args: { min: 0, max: 0 },
  async run({ io, options, globals }) {
    const ctx = await openContext(globals);
    await tidyEnded(ctx);
    const volumes = ctx.state.volumes.list().filter(volumePredicate(ctx, options.filter));
    const rows = volumes.map((volume) => ({
      ...inspectVolume(volume),
      VolumeName: volume.name,
      Labels: Object.entries(volume.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(","),
    }));
    await printFormatted(io, rows, {
      name: "volume ls",
      format: options.format,
      columns: ["Driver", "VolumeName"],
      headings: { VolumeName: "VOLUME NAME" },
      noHeading: options.noheading,
      quiet: options.quiet ? "VolumeName" : false,
      json: ({ VolumeName }) => inspectVolume(volumes.find((volume) => volume.name === VolumeName)!),
    });
    return 0;
  },
});
