import { UsageError } from "../../../base/index.ts";
import { tidyEnded, volumeByName } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { inspectVolume } from "../../../volume/index.ts";
import { defineCommand } from "../../command.ts";
import { INSPECT_FORMAT, inspectEach } from "../../inspected.ts";

export default defineCommand({
  paths: [["volume", "inspect"]],
  summary: "Display detailed information on one or more volumes",
  usage: "[options] VOLUME [VOLUME...]",
  options: {
    all: { kind: "boolean", short: "a", text: "All volumes" },
    ...INSPECT_FORMAT,
  },
  args: { min: 1, checked: true, completes: "volume" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    await tidyEnded(ctx);
    if (options.all === args.length > 0)
      throw new UsageError("conflicting-flags", "provide one or more volume names or use --all");
    return inspectEach(io, {
      names: options.all ? ctx.state.volumes.list().map(({ name }) => name) : args,
      find: (name) => inspectVolume(volumeByName(ctx, name)),
      format: options.format,
      template: "volume inspect",
    });
  },
});
