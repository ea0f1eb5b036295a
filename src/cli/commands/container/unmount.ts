import { ownContainers, requireUnshared, unmountContainer } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers, forEachContainer } from "../../containers.ts";
import { ALL_OPTION, LATEST_OPTION } from "../../options/listing.ts";
import { spokenCommand } from "../../program.ts";

export default defineCommand({
  paths: [["unmount"], ["umount"], ["container", "unmount"], ["container", "umount"]],
  summary: "Unmount the files of containers",
  usage: "[options] CONTAINER [CONTAINER...]",
  options: {
    ...ALL_OPTION,
    force: { kind: "boolean", short: "f", text: "Also what is in use" },
    ...LATEST_OPTION,
  },
  args: { min: 1, checked: true, completes: "container" },
  async run({ args, options, io, globals }) {
    const ctx = await openContext(globals);
    // The command line first: where it contradicts itself, another place to type it in is no help.
    const selected = chooseContainers(ctx, args, options);
    requireUnshared(spokenCommand([]), "unmount");
    if (options.all) {
      for (const record of ownContainers(ctx))
        if (unmountContainer(ctx, record, options.force)) io.out(`${record.id}\n`);
      return 0;
    }
    return forEachContainer(io, selected, ({ record, shown }) => {
      unmountContainer(ctx, record, options.force);
      return shown;
    });
  },
});
