import { KelpError } from "../../../base/index.ts";
import { inspectNetworkMembers } from "../../../container/index.ts";
import { requireNetwork } from "../../../network/index.ts";
import { type NetworkRecord, openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { reportFailure } from "../../exit.ts";
import { printJson } from "../../format.ts";
import { networkFields } from "../../network-fields.ts";

export default defineCommand({
  paths: [["network", "inspect"]],
  summary: "Display network configuration",
  usage: "[options] NETWORK [NETWORK...]",
  options: {
    format: {
      kind: "string",
      short: "f",
      value: "FORMAT",
      text: "Print as json or by a Go template",
      completes: ["json"],
    },
  },
  args: { min: 1, completes: "network" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    const found: NetworkRecord[] = [];
    let status = 0;
    for (const name of args) {
      try {
        found.push(requireNetwork(ctx, name));
      } catch (error) {
        if (!(error instanceof KelpError)) throw error;
        reportFailure(error, io, false);
        status = 125;
      }
    }
    const values = found.map((network) => inspectNetworkMembers(ctx, network));
    if (options.format === undefined || options.format === "" || options.format === "json")
      io.out(printJson(values));
    else {
      const { renderTemplate } = await import("../../template.ts");
      for (const value of values)
        io.out(`${renderTemplate("network inspect", options.format, networkFields(value))}\n`);
    }
    return status;
  },
});
