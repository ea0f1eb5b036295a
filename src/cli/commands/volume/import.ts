import { UsageError } from "../../../base/index.ts";
import { importVolume, volumeByName } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["volume", "import"]],
  summary: "Add the files of a tar archive to a volume",
  description:
    "The archive may be compressed. What the volume holds already stays, unless the archive has a file of the same name.",
  usage: "VOLUME FILE|-",
  examples: [["kelp volume import db db.tar", "Put back what volume export has written"]],
  options: {},
  args: { min: 2, max: 2, completes: { each: ["volume", "file"] } },
  async run({ args, io, globals }) {
    const [name, from] = args as readonly [string, string];
    if (from === "-" && io.stdinIsTty)
      throw new UsageError(
        "stdin-is-terminal",
        "cannot read from terminal, use command-line redirection or name a file",
      );
    const ctx = await openContext(globals);
    await importVolume(ctx, volumeByName(ctx, name), { from, stdin: () => io.stdin() });
    return 0;
  },
});
