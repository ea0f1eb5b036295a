import { removeVolume, sweepEnded } from "../../../container/index.ts";
import { openContext, type VolumeRecord } from "../../../state/index.ts";
import { agreedTo } from "../../ask.ts";
import { defineCommand } from "../../command.ts";
import { FILTER_LONG_OPTION, FILTER_WORDS } from "../../options/listing.ts";
import { splitAll, volumePredicate } from "../../volume-filters.ts";

export default defineCommand({
  paths: [["volume", "prune"]],
  summary: "Remove unused anonymous volumes, or all unused ones",
  usage: "[options]",
  options: {
    all: { kind: "boolean", short: "a", text: "Named volumes as well as anonymous ones" },
    filter: { ...FILTER_LONG_OPTION.filter, completes: ["all=true", ...FILTER_WORDS.volumes] },
    "dry-run": { kind: "boolean", text: "Only print what would be removed" },
    force: { kind: "boolean", short: "f", text: "Do not ask" },
  },
  args: { min: 0, max: 0 },
  async run({ io, options, globals }) {
    const ctx = await openContext(globals);
    await sweepEnded(ctx);
    const filters = splitAll(options.filter);
    const all = options.all || filters.all;
    const wanted = volumePredicate(ctx, filters.rest);
    const unused = ctx.state.volumes
      .list()
      .filter((volume) => (all || volume.anonymous) && wanted(volume))
      .filter((volume) => ctx.state.containers.usingVolume(volume.name).length === 0);
    if (unused.length === 0) {
      if (!options.force && !options["dry-run"]) io.err(`${warning([], all)}${NONE[Number(all)]}\n`);
      return 0;
    }
    if (options["dry-run"]) {
      io.out(unused.map(({ name }) => `${name}\n`).join(""));
      return 0;
    }
    if (!options.force && !(await agreedTo(io, warning(unused, all)))) return 0;
    for (const volume of unused) {
      await removeVolume(ctx, volume);
      io.out(`${volume.name}\n`);
    }
    return 0;
  },
});

/** Without and with --all. */
const NONE = ["No dangling anonymous volumes found", "No dangling volumes found"] as const;

function warning(volumes: readonly VolumeRecord[], all: boolean): string {
  const kind = all ? "" : "anonymous ";
  const names = volumes.map((volume) => `${volume.name}\n`).join("");
  return `WARNING! This will remove all ${kind}volumes not used by at least one container. The following volumes will be removed:\n${names}`;
}
