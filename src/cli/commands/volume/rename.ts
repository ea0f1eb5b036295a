import { ConflictError } from "../../../base/index.ts";
import { volumeByName } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { renameVolume } from "../../../volume/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["volume", "rename"]],
  summary: "Give a volume another name",
  description: "Containers name their volumes: one that a container uses keeps its name.",
  usage: "VOLUME NAME",
  examples: [["kelp volume rename data data-old", "Keep a volume under another name"]],
  options: {},
  args: { min: 2, max: 2, completes: { each: ["volume", "none"] } },
  async run({ io, args: [name = "", fresh = ""], globals }) {
    const ctx = await openContext(globals);
    const volume = volumeByName(ctx, name);
    const users = ctx.state.containers.usingVolume(volume.name);
    if (users.length > 0) {
      const ids = users.map(({ id }) => id).join(", ");
      throw new ConflictError(
        "volume-in-use",
        `volume ${volume.name} is being used by the following container(s): ${ids}: volume is being used`,
        { exitCode: 2 },
      );
    }
    io.out(`${renameVolume(ctx, volume, fresh).name}\n`);
    return 0;
  },
});
