import { ago, humanSize, rfc3339 } from "../../../base/index.ts";
import { findImage, type HistoryLine, imageHistory } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { printFormatted } from "../../format.ts";
import { NO_TRUNC_OPTION, QUIET_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["history"], ["image", "history"]],
  summary: "Show the steps an image was made in",
  usage: "[options] IMAGE",
  options: {
    format: {
      kind: "string",
      value: "FORMAT",
      text: "Print as json or by a Go template",
      completes: ["json", "table"],
    },
    human: { kind: "boolean", short: "H", default: true, text: "Print sizes and times for people" },
    ...NO_TRUNC_OPTION,
    ...QUIET_OPTION,
  },
  args: { min: 1, max: 1, completes: "image" },
  async run({ args, options, io, globals }) {
    const ctx = await openContext(globals);
    const { record } = findImage(ctx, args[0] as string);
    const lines = imageHistory(ctx, record);
    const rows = lines.map((line) => historyRow(line, { human: options.human, whole: options["no-trunc"] }));
    await printFormatted(io, rows, {
      name: "history",
      format: options.format,
      columns: ["ID", "Created", "CreatedBy", "Size", "Comment"],
      quiet: options.quiet && "ID",
      noTrunc: options["no-trunc"],
      json: (row) => row.json(),
    });
    return 0;
  },
});

function historyRow(line: HistoryLine, { human, whole }: { human: boolean; whole: boolean }) {
  const created = new Date(line.created).toISOString().replace(/\.\d+Z$/, "Z");
  const by = line.createdBy.replaceAll("\t", " ").trim();
  return {
    ID: line.id === undefined ? "<missing>" : whole ? line.id : line.id.slice(0, 12),
    Created: human ? ago(line.created) : created,
    CreatedAt: created,
    CreatedSince: ago(line.created),
    CreatedBy: whole || by.length <= 45 ? by : `${by.slice(0, 42)}...`,
    Size: human ? humanSize(line.size, { precision: 3 }) : String(line.size),
    Comment: line.comment,
    Tags: line.tags,
    json: () => ({
      id: line.id ?? "<missing>",
      created: rfc3339(line.created),
      CreatedBy: line.createdBy,
      size: line.size,
      comment: line.comment,
      tags: line.tags.length === 0 ? undefined : line.tags,
      Created: rfc3339(line.created),
    }),
  };
}
