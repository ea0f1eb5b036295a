import { openContext } from "../../state/index.ts";
import { defineCommand } from "../command.ts";
import { withDockerInfo } from "../docker-words.ts";
import { printObject } from "../format.ts";
import { infoReport } from "../info-report.ts";
import { toYaml } from "../yaml.ts";

export default defineCommand({
  paths: [["info"], ["system", "info"]],
  summary: "Display kelp system information",
  description: "Shows the machine, the store and kelp itself: as YAML, as json, or by a Go template.",
  usage: "[options]",
  examples: [
    ["kelp info --format json", "Everything, for programs"],
    ["kelp info --format '{{.Store.GraphRoot}}'", "Where images and containers are"],
  ],
  options: {
    format: {
      kind: "string",
      short: "f",
      value: "FORMAT",
      text: "Print as json or by a Go template",
      completes: ["json"],
    },
  },
  args: { min: 0, max: 0 },
  async run({ io, options, globals }) {
    const report = await infoReport(await openContext(globals));
    if (options.format === undefined) io.out(toYaml(report));
    else if (options.format !== "")
      await printObject(io, withDockerInfo(report), {
        name: "info",
        type: "define.Info",
        format: options.format,
      });
    return 0;
  },
});
