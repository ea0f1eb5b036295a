import { BUILD } from "../../base/index.ts";
import { defineCommand } from "../command.ts";

export default defineCommand({
  paths: [["version"]],
  summary: "Display the kelp version information",
  usage: "[options]",
  options: {
    format: {
      kind: "string",
      short: "f",
      value: "FORMAT",
      text: "Change the output format to JSON or a Go template",
    },
  },
  args: { min: 0, max: 0 },
  run({ io }) {
    io.out(`Version:      ${BUILD.version}\n`);
    return 0;
  },
});
