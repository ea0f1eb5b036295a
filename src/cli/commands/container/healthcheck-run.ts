import { resolveContainer, runHealthCheck } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["healthcheck", "run"]],
  summary: "Run the health check of a container now",
  description:
    "Prints nothing and exits with 0 if it succeeds; otherwise says what the container is (unhealthy, starting, stopped) and exits with 1.",
  usage: "[options] CONTAINER",
  examples: [["kelp healthcheck run web", "Check a container now"]],
  options: {
    "ignore-result": { kind: "boolean", text: "Exit with 0 whatever the check says" },
  },
  args: { min: 1, max: 1, completes: "running" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    const found = await runHealthCheck(ctx, resolveContainer(ctx, args[0]!));
    if (found === undefined) return 0;
    io.out(`${found}\n`);
    return options["ignore-result"] ? 0 : 1;
  },
});
