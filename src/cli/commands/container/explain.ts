import { hostEnvironment } from "../../../config/index.ts";
import { explainName } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { printExplained } from "../../explained.ts";

export default defineCommand({
  paths: [["explain"], ["container", "explain"]],
  summary: "Say in words what starting a container does",
  description:
    "For each container, or image as run without options would run it: users, namespaces, mounts in their order, capabilities, refused system calls, network and limits, and what of it cannot be had on this machine. Nothing is run. For a container that does not exist yet, use run --explain.",
  usage: "CONTAINER|IMAGE [CONTAINER|IMAGE...]",
  examples: [
    ["kelp explain web", "What a container may see and use"],
    ["kelp run --explain --memory 1g IMAGE", "What a command line would do"],
  ],
  options: {},
  args: { min: 1, completes: { each: ["container", "image"] } },
  async run({ io, args, argv, globals }) {
    const ctx = await openContext(globals);
    const base = {
      command: [],
      options: {},
      given: new Set<string>(),
      argv,
      environment: hostEnvironment(),
      cwd: process.cwd(),
    };
    for (const [index, name] of args.entries()) {
      if (args.length > 1) io.out(`${index === 0 ? "" : "\n"}${name}:\n`);
      printExplained(io, await explainName(ctx, name, base));
    }
    return 0;
  },
});
