import { openContext } from "../../../state/index.ts";
import { listQuadlets } from "../../../systemd/index.ts";
import { defineCommand } from "../../command.ts";
import { compileFilters, globFilter } from "../../filters.ts";
import { printFormatted } from "../../format.ts";
import { FILTER_OPTION, FORMAT_OPTION, HEADING_OPTION } from "../../options/listing.ts";
import { ownQuadlets, quadletPlaces } from "../../quadlet-places.ts";

export default defineCommand({
  paths: [
    ["quadlet", "list"],
    ["quadlet", "ls"],
  ],
  summary: "List quadlets and the state of their units",
  usage: "[options]",
  examples: [["kelp quadlet list --filter status=failed/failed", "Those that failed"]],
  options: { ...FILTER_OPTION, ...FORMAT_OPTION, ...HEADING_OPTION },
  args: { min: 0, max: 0 },
  async run({ io, options, globals }) {
    const ctx = await openContext(globals);
    const listed = await listQuadlets(ownQuadlets(ctx), quadletPlaces(ctx));
    type Row = (typeof listed)[number];
    const rows = listed.filter(
      compileFilters<Row>(options.filter, {
        name: globFilter(({ Name }) => Name),
        pod: globFilter(({ Pod }) => Pod),
        status: { test: (value) => (row) => row.Status.toLowerCase() === value.toLowerCase() },
      }),
    );
    await printFormatted(io, rows, {
      name: "quadlet list",
      format: options.format,
      columns: ["Name", "UnitName", "Path", "Status", "App", "Pod"],
      headings: { UnitName: "UNIT NAME", Path: "PATH ON DISK", App: "APPLICATION" },
      noHeading: options.noheading,
    });
    return 0;
  },
});
