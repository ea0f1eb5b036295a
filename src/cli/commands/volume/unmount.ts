import { volumeByName } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [
    ["volume", "unmount"],
    ["volume", "umount"],
  ],
  summary: "The end of volume mount: nothing was mounted, so only the names are printed",
  usage: "VOLUME [VOLUME...]",
  options: {},
  args: { min: 1, completes: "volume" },
  async run({ args, io, globals }) {
    const ctx = await openContext(globals);
    for (const name of args) io.out(`${volumeByName(ctx, name).name}\n`);
    return 0;
  },
});
