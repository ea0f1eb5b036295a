import { defineCommand } from "../command.ts";
import { withServer } from "../docker-words.ts";
import { printFormatted, printObject } from "../format.ts";
import { versionReport } from "../version.ts";

export default defineCommand({
  paths: [["version"], ["buildx", "version"]],
  summary: "Display the kelp version information",
  usage: "[options]",
  examples: [["kelp version --format '{{.Client.Version}}'", "The version alone"]],
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
  async run({ io, options }) {
    const Client = versionReport();
    if (options.format !== undefined) {
      const report = withServer({ Client, ...(options.format === "json" ? {} : Client) });
      await printObject(io, report, { name: "version", format: options.format });
      return 0;
    }
    const rows = [
      ["Client:", "kelp"],
      ["Version:", Client.Version],
      ["API Version:", Client.APIVersion],
      ["Go Version:", Client.GoVersion],
      ...(Client.GitCommit === "" ? [] : [["Git Commit:", Client.GitCommit]]),
      ["Built:", Client.BuiltTime],
      ["OS/Arch:", Client.OsArch],
    ].map(([Name, Value]) => ({ Name: Name ?? "", Value: Value ?? "" }));
    await printFormatted(io, rows, { name: "version", columns: ["Name", "Value"], noHeading: true });
    return 0;
  },
});
