import { KelpError, UsageError } from "../../../base/index.ts";
import { tidyEnded, volumeByName } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { inspectVolume } from "../../../volume/index.ts";
import { defineCommand } from "../../command.ts";
import { reportFailure } from "../../exit.ts";
import { printJson } from "../../format.ts";
import { markMaps } from "../../inspect-objects.ts";

export default defineCommand({
  paths: [["volume", "inspect"]],
  summary: "Display detailed information on one or more volumes",
  usage: "[options] VOLUME [VOLUME...]",
  options: {
    all: { kind: "boolean", short: "a", text: "All volumes" },
    format: {
      kind: "string",
      short: "f",
      value: "FORMAT",
      text: "Print as json or by a Go template",
      completes: ["json"],
    },
  },
  args: { min: 1, checked: true, completes: "volume" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    await tidyEnded(ctx);
    if (options.all === args.length > 0)
      throw new UsageError("conflicting-flags", "provide one or more volume names or use --all");
    let status = 0;
    const found = options.all ? ctx.state.volumes.list() : [];
    for (const name of args) {
      try {
        found.push(volumeByName(ctx, name));
      } catch (error) {
        if (!(error instanceof KelpError)) throw error;
        reportFailure(error, io, false);
        status = 125;
      }
    }
    const values = found.map(inspectVolume);
    if (options.format === undefined || options.format === "" || options.format === "json")
      io.out(printJson(values));
    else {
      const { renderTemplate } = await import("../../template.ts");
      for (const value of values) {
        markMaps(value);
        io.out(`${renderTemplate("volume inspect", options.format, value)}\n`);
      }
    }
    return status;
  },
});
