import { removeVolume } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { volumePredicate } from "../../volume-filters.ts";

export default defineCommand({
  paths: [["volume", "prune"]],
  summary: "Remove all unused volumes",
  usage: "[options]",
  options: {
    filter: { kind: "list", value: "KEY=VALUE", text: "Only those this holds for; may be repeated" },
    force: { kind: "boolean", short: "f", text: "Do not ask" },
  },
  args: { min: 0, max: 0 },
  async run({ io, options, globals }) {
    const ctx = await openContext(globals);
    const wanted = volumePredicate(ctx, options.filter);
    const unused = ctx.state.volumes
      .list()
      .filter((volume) => ctx.state.containers.usingVolume(volume.name).length === 0 && wanted(volume));
    if (!options.force && io.stdinIsTty) {
      io.out(
        "WARNING! This will remove all volumes not used by at least one container.\nAre you sure you want to continue? [y/N] ",
      );
      if (!(await confirmed(io.stdin()))) return 0;
    }
    for (const volume of unused) {
      await removeVolume(ctx, volume);
      io.out(`${volume.name}\n`);
    }
    return 0;
  },
});

async function confirmed(stdin: NodeJS.ReadableStream): Promise<boolean> {
  for await (const chunk of stdin) return /^\s*y/i.test(chunk.toString());
  return false;
}
