import { parseDuration } from "../../../base/index.ts";
import { checkConditions, waitForContainer, waitForFirst } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers, forEachContainer } from "../../containers.ts";
import { LATEST_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["wait"], ["container", "wait"]],
  summary: "Block until one or more containers stop, then print their exit codes",
  usage: "[options] CONTAINER [CONTAINER...]",
  examples: [["kelp wait web", "Wait for a container's end"]],
  options: {
    ...LATEST_OPTION,
    condition: { kind: "list", comma: true, value: "STATE", text: "State to wait for instead of the end" },
    ignore: { kind: "boolean", text: "Print -1 for containers that do not exist" },
    interval: {
      kind: "string",
      short: "i",
      value: "DURATION",
      text: "Pause between two looks",
      default: "250ms",
    },
    "exit-first-match": {
      kind: "boolean",
      aliases: ["return-on-first"],
      text: "Return when the first of them is there",
    },
  },
  args: { min: 1, checked: true, completes: "running" },
  async run({ io, args, options, globals }) {
    checkConditions(options.condition);
    const interval = /^\d+$/.test(options.interval)
      ? Number(options.interval)
      : parseDuration(options.interval) / 1e6;
    const ctx = await openContext(globals);
    const selected = chooseContainers(ctx, args, { latest: options.latest });
    if (options.ignore) for (const _ of selected.failures) io.out("-1\n");
    const failures = options.ignore ? [] : selected.failures;
    const records = selected.targets.map(({ record }) => record);
    if (options["exit-first-match"] && records.length > 0) {
      io.out(`${await waitForFirst(ctx, records, options.condition, interval)}\n`);
      return 0;
    }
    return forEachContainer(io, { ...selected, failures }, async ({ record }) =>
      String(await waitForContainer(ctx, record, options.condition, interval)),
    );
  },
});
