import { volumeByName } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { volumeFiles } from "../../../volume/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["volume", "mount"]],
  summary: "Print where the files of volumes are",
  description:
    "A local volume is a directory that is always there: nothing has to be mounted for it. Files of a container's users can be changed from within kelp unshare.",
  usage: "VOLUME [VOLUME...]",
  options: {},
  args: { min: 1, completes: "volume" },
  async run({ args, io, globals }) {
    const ctx = await openContext(globals);
    for (const name of args) io.out(`${volumeFiles(volumeByName(ctx, name))}\n`);
    return 0;
  },
});
