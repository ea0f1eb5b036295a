import { defineCommand } from "../command.ts";
import { helpFor } from "../help.ts";

export default defineCommand({
  paths: [["help"]],
  summary: "Help about any command",
  usage: "[command]",
  options: {},
  args: { min: 0, completes: "none" },
  async run({ io, args }) {
    io.out(await helpFor(args));
    return 0;
  },
});
