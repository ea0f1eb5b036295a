import { escapeControl, UsageError } from "../../../base/index.ts";
import { containerTop, DESCRIPTORS, resolveContainer } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers } from "../../containers.ts";
import { LATEST_OPTION } from "../../options/listing.ts";
import { alignColumns } from "../../table.ts";

export default defineCommand({
  paths: [["top"], ["container", "top"]],
  summary: "Display the running processes of a container",
  description:
    "Descriptors choose the columns; options of ps (-eo pid,comm) are understood as well. Nothing inside the container is executed.",
  usage: "[options] CONTAINER [DESCRIPTOR...]",
  examples: [
    ["kelp top web", "Show a container's processes"],
    ["kelp top web pid user args", "Choose the columns"],
  ],
  options: {
    ...LATEST_OPTION,
    "list-descriptors": { kind: "boolean", hidden: true, text: "Print the descriptors" },
  },
  args: { min: 1, checked: true, options: "after-first", completes: { each: ["running", "none"] } },
  async run({ io, args, options, globals }) {
    if (options["list-descriptors"]) {
      io.out(`${DESCRIPTORS.join("\n")}\n`);
      return 0;
    }
    if (args.length === 0 && !options.latest)
      throw new UsageError("missing-container", "you must provide the name or id of a running container");
    const ctx = await openContext(globals);
    const record = options.latest
      ? chooseContainers(ctx, [], options).targets[0]!.record
      : resolveContainer(ctx, args[0]!);
    const rows = await containerTop(ctx, record, options.latest ? args : args.slice(1));
    io.out(alignColumns(rows.map((row) => row.map(escapeControl))));
    return 0;
  },
});
