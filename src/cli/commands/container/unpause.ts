import { unpauseContainer } from "../../../container/index.ts";
import { defineCommand } from "../../command.ts";
import { FREEZING_OPTIONS, forEachInState } from "../../freezing.ts";

export default defineCommand({
  paths: [["unpause"], ["container", "unpause"]],
  summary: "Unpause the processes in one or more containers",
  description: "Lets frozen processes go on where they were.",
  usage: "[options] CONTAINER [CONTAINER...]",
  examples: [
    ["kelp unpause web", "Let a container go on"],
    ["kelp unpause --all", "Let all paused containers go on"],
  ],
  options: FREEZING_OPTIONS,
  args: { min: 1, checked: true, completes: "running" },
  run: (invocation) => forEachInState(invocation, "paused", unpauseContainer),
});
