import { exportContainer, resolveContainer } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { OUTPUT_OPTION, withOutput } from "../../output-file.ts";

export default defineCommand({
  paths: [["export"], ["container", "export"]],
  summary: "Write all files of a container to a tar archive",
  description: "Volumes and other mounts are not part of it. The archive can be made an image with import.",
  usage: "[options] CONTAINER",
  examples: [
    ["kelp export -o web.tar web", "Write to a file"],
    ["kelp export web | tar t", "See what a container holds"],
  ],
  options: OUTPUT_OPTION,
  args: { min: 1, max: 1, completes: "container" },
  async run({ args, options, io, globals }) {
    const ctx = await openContext(globals);
    const record = resolveContainer(ctx, args[0] as string);
    await withOutput(io, options.output, (fd) => exportContainer(ctx, record, fd));
    return 0;
  },
});
