import { humanSize, parseDuration, parseSize, UsageError } from "../../../base/index.ts";
import { pruneBuildCache } from "../../../build/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [
    ["builder", "prune"],
    ["buildx", "prune"],
  ],
  summary: "Remove what builds keep for later ones",
  description:
    "Without --all, steps whose layers are in an image stay: they take no room of their own. --all also empties the directories of RUN --mount=type=cache. No question is asked.",
  usage: "[options]",
  examples: [
    ["kelp builder prune --filter until=168h", "What no build has used for a week"],
    ["kelp builder prune --keep-storage 5g", "The oldest, until 5 GB are left"],
  ],
  options: {
    all: { kind: "boolean", short: "a", text: "Everything, with the directories of cache mounts" },
    filter: { kind: "list", value: "until=DURATION", text: "Only what was not used for so long" },
    force: { kind: "boolean", short: "f", text: "Has no effect; no question is asked" },
    "keep-storage": { kind: "string", value: "SIZE", text: "How much may stay" },
  },
  args: { min: 0, max: 0 },
  async run({ options, io, globals }) {
    const ctx = await openContext(globals);
    const before = usedBefore(options.filter);
    const keep = options["keep-storage"];
    const { keys, bytes } = await pruneBuildCache(ctx, {
      all: options.all,
      ...(before === undefined ? {} : { usedBefore: before }),
      ...(keep === undefined ? {} : { keepBytes: parseSize(keep) }),
    });
    for (const key of keys) io.out(`${key}\n`);
    io.out(`Total reclaimed space: ${humanSize(bytes)}\n`);
    return 0;
  },
});

function usedBefore(filters: readonly string[]): number | undefined {
  let time: number | undefined;
  for (const filter of filters) {
    const [name, value = ""] = filter.split("=", 2);
    if (name !== "until")
      throw new UsageError("filter-unknown", `unknown filter ${JSON.stringify(name)}`, {
        hint: "filters: until",
      });
    time = Date.now() - parseDuration(value) / 1e6;
  }
  return time;
}
