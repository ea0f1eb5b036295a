import { pauseContainer } from "../../../container/index.ts";
import { defineCommand } from "../../command.ts";
import { FREEZING_OPTIONS, forEachInState } from "../../freezing.ts";

export default defineCommand({
  paths: [["pause"], ["container", "pause"]],
  summary: "Pause all the processes in one or more containers",
  description: "Freezes the container's control group: nothing in it runs until kelp unpause.",
  usage: "[options] CONTAINER [CONTAINER...]",
  examples: [
    ["kelp pause web", "Freeze a container"],
    ["kelp pause --all", "Freeze all running containers"],
  ],
  options: FREEZING_OPTIONS,
  args: { min: 1, checked: true, completes: "running" },
  run: (invocation) => forEachInState(invocation, "running", pauseContainer),
});
