import { readFileSync } from "node:fs";
import { openContext } from "../../../state/index.ts";
import { quadletPath } from "../../../systemd/index.ts";
import { defineCommand } from "../../command.ts";
import { quadletPlaces } from "../../quadlet-places.ts";

export default defineCommand({
  paths: [
    ["quadlet", "print"],
    ["quadlet", "cat"],
  ],
  summary: "Print a quadlet file",
  usage: "QUADLET",
  examples: [["kelp quadlet print web.container", "Show what was installed"]],
  options: {},
  args: { min: 1, max: 1 },
  async run({ io, args, globals }) {
    const ctx = await openContext(globals);
    io.write(readFileSync(quadletPath(args[0]!, quadletPlaces(ctx))));
    return 0;
  },
});
