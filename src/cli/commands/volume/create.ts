import { openContext } from "../../../state/index.ts";
import { checkVolumeName, createVolume, newVolumeName } from "../../../volume/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["volume", "create"]],
  summary: "Create a new volume",
  usage: "[options] [NAME]",
  examples: [["kelp volume create data", "Make a volume to be mounted with --volume data:/PATH"]],
  options: {
    driver: {
      kind: "string",
      short: "d",
      value: "DRIVER",
      default: "local",
      text: "Who keeps the volume; kelp has local only",
    },
    ignore: { kind: "boolean", text: "Do not fail if the volume exists" },
    label: { kind: "map", short: "l", value: "KEY=VALUE", text: "Label of the volume" },
    opt: {
      kind: "map",
      short: "o",
      value: "KEY=VALUE",
      text: "type=, device=, o=: mount that where the volume is used (bind or tmpfs) instead of a directory of its own",
    },
  },
  args: { min: 0, max: 1, completes: "none" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    const name = args[0] === undefined ? newVolumeName() : checkVolumeName(args[0]);
    if (!options.ignore || ctx.state.volumes.get(name) === undefined) {
      const anonymous = args[0] === undefined;
      createVolume(ctx, {
        name,
        driver: options.driver,
        labels: options.label,
        options: options.opt,
        anonymous,
      });
    }
    io.out(`${name}\n`);
    return 0;
  },
});
