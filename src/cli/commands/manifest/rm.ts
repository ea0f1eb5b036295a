import { findList, removeImages, tryFindImage } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { reportFailure } from "../../exit.ts";

export default defineCommand({
  paths: [["manifest", "rm"]],
  summary: "Remove indexes from the store",
  usage: "[options] LIST [LIST...]",
  examples: [["kelp manifest rm mylist", "Forget a list; its images stay"]],
  options: { ignore: { kind: "boolean", short: "i", text: "Lists that are not known are no error" } },
  args: { min: 1, completes: "image" },
  async run({ args, options, io, globals }) {
    const ctx = await openContext(globals);
    for (const name of args) if (tryFindImage(ctx, name) !== undefined) findList(ctx, name);
    const report = await removeImages(ctx, args, { ignore: options.ignore });
    for (const name of report.untagged) io.out(`Untagged: ${name}\n`);
    for (const id of report.deleted) io.out(`Deleted: ${id}\n`);
    return report.errors.reduce((status, error) => Math.max(status, reportFailure(error, io, false)), 0);
  },
});
