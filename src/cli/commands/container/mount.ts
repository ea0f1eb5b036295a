import { UsageError } from "../../../base/index.ts";
import {
  containerMountpoint,
  mountContainer,
  ownContainers,
  requireUnshared,
} from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers, forEachContainer } from "../../containers.ts";
import { printJson } from "../../format.ts";
import { ALL_OPTION, LATEST_OPTION, NO_TRUNC_OPTION } from "../../options/listing.ts";
import { spokenCommand } from "../../program.ts";
import { alignColumns } from "../../table.ts";

export default defineCommand({
  paths: [["mount"], ["container", "mount"]],
  summary: "Mount the files of containers, and print where",
  description:
    "Only within kelp unshare, where the mount is seen too. A running container's files are shown as its first process sees them, for as long as that lives. Without a name the containers that are mounted are listed.",
  usage: "[options] [CONTAINER...]",
  examples: [["kelp unshare sh -c 'ls $(kelp mount web)'", "Look into a container"]],
  options: {
    ...ALL_OPTION,
    format: { kind: "string", value: "FORMAT", text: "Print the list as json", completes: ["json"] },
    ...LATEST_OPTION,
    ...NO_TRUNC_OPTION,
  },
  args: { min: 0, completes: "container" },
  async run({ args, options, io, globals }) {
    requireUnshared(spokenCommand([]), "mount");
    if (options.format !== undefined && options.format !== "json")
      throw new UsageError("invalid-format", `unknown --format argument: ${JSON.stringify(options.format)}`);
    const ctx = await openContext(globals);
    if (args.length === 0 && !options.all && !options.latest) {
      const mounted = ownContainers(ctx).flatMap((record) => {
        const path = containerMountpoint(ctx, record);
        return path === undefined ? [] : [{ id: record.id, Names: [record.name], mountpoint: path }];
      });
      if (options.format === "json") io.out(printJson(mounted));
      else
        io.out(
          alignColumns(
            mounted.map(({ id, mountpoint }) => [options["no-trunc"] ? id : id.slice(0, 12), mountpoint]),
          ),
        );
      return 0;
    }
    const selected = chooseContainers(ctx, args, options);
    const several = selected.targets.length > 1;
    return forEachContainer(io, selected, async ({ record, shown }) => {
      const path = await mountContainer(ctx, record);
      return several ? `${shown} ${path}` : path;
    });
  },
});
