import { isLive, ownContainers, removeContainer, viewOf } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { agreedTo } from "../../ask.ts";
import { defineCommand } from "../../command.ts";
import { containerPredicate, forEachContainer } from "../../containers.ts";

export default defineCommand({
  paths: [["container", "prune"]],
  summary: "Remove all non running containers",
  usage: "[options]",
  options: {
    filter: {
      kind: "list",
      value: "KEY=VALUE",
      text: "Only those this holds for (label, label!, until); may be repeated",
    },
    force: { kind: "boolean", short: "f", text: "Do not ask" },
  },
  args: { min: 0, max: 0 },
  async run({ io, options, globals }) {
    const ctx = await openContext(globals);
    const warning = "WARNING! This will remove all non running containers.\n";
    if (!options.force && !(await agreedTo(io, warning))) return 0;
    const filter = containerPredicate(ctx, options.filter);
    const records = ownContainers(ctx).filter((record) => {
      const view = viewOf(ctx, record);
      return !isLive(view.status) && (filter === undefined || filter(view));
    });
    const targets = records.map((record) => ({ record, shown: record.id }));
    return forEachContainer(io, { targets, failures: [] }, async ({ record }) => {
      await removeContainer(ctx, record, {});
      return record.id;
    });
  },
});
