import { removeVolume, sweepEnded } from "../../../container/index.ts";
import { openContext, type VolumeRecord } from "../../../state/index.ts";
import { defineCommand, type Io } from "../../command.ts";
import { volumePredicate } from "../../volume-filters.ts";

export default defineCommand({
  paths: [["volume", "prune"]],
  summary: "Remove unused anonymous volumes, or all unused ones",
  usage: "[options]",
  options: {
    all: { kind: "boolean", short: "a", text: "Named volumes as well as anonymous ones" },
    filter: { kind: "list", value: "KEY=VALUE", text: "Only those this holds for; may be repeated" },
    force: { kind: "boolean", short: "f", text: "Do not ask" },
  },
  args: { min: 0, max: 0 },
  async run({ io, options, globals }) {
    const ctx = await openContext(globals);
    await sweepEnded(ctx);
    const wanted = volumePredicate(ctx, options.filter);
    const unused = ctx.state.volumes
      .list()
      .filter((volume) => (options.all || volume.anonymous) && wanted(volume))
      .filter((volume) => ctx.state.containers.usingVolume(volume.name).length === 0);
    if (!options.force && !(await agreed(io, unused, options.all))) return 0;
    for (const volume of unused) {
      await removeVolume(ctx, volume);
      io.out(`${volume.name}\n`);
    }
    return 0;
  },
});

/** Says what would go and asks; nothing to remove is nothing to ask. */
async function agreed(io: Io, volumes: readonly VolumeRecord[], all: boolean): Promise<boolean> {
  const kind = all ? "" : "anonymous ";
  io.out(
    `WARNING! This will remove all ${kind}volumes not used by at least one container. The following volumes will be removed:\n`,
  );
  if (volumes.length === 0) {
    io.out(`No dangling ${kind}volumes found\n`);
    return false;
  }
  io.out(volumes.map((volume) => `${volume.name}\n`).join(""));
  io.out("Are you sure you want to continue? [y/N] ");
  for await (const chunk of io.stdin()) return /^\s*y/i.test(chunk.toString());
  return false;
}
