import { exportVolume, volumeByName } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { OUTPUT_OPTION, withOutput } from "../../output-file.ts";

export default defineCommand({
  paths: [["volume", "export"]],
  summary: "Write the files of a volume to a tar archive",
  usage: "[options] VOLUME",
  examples: [["kelp volume export -o db.tar db", "Keep a copy of what a volume holds"]],
  options: OUTPUT_OPTION,
  args: { min: 1, max: 1, completes: "volume" },
  async run({ args, options, io, globals }) {
    const ctx = await openContext(globals);
    const volume = volumeByName(ctx, args[0] as string);
    await withOutput(
      io,
      options.output,
      (fd) => exportVolume(ctx, volume, fd),
      "cannot write to terminal, use command-line redirection or the --output flag",
    );
    return 0;
  },
});
