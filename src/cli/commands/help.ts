import { defineCommand } from "../command.ts";
import { helpFor } from "../help.ts";
import { TOPICS } from "../topics/index.ts";

export default defineCommand({
  paths: [["help"]],
  summary: "Help about any command, or a topic",
  description: "Topics are texts about more than one command; `kelp --help` lists them at its end.",
  usage: "[command]",
  examples: [
    ["kelp help network create", "A command"],
    ["kelp help settings", "A topic"],
  ],
  options: {},
  args: { min: 0, completes: Object.keys(TOPICS) },
  async run({ io, args }) {
    io.out(await helpFor(args));
    return 0;
  },
});
