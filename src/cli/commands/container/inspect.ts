import { NotFoundError, UsageError } from "../../../base/index.ts";
import {
  containerSizes,
  inspectContainer,
  ownContainers,
  resolveContainer,
  viewOf,
} from "../../../container/index.ts";
import { type Context, openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { inspectByType } from "../../inspect-objects.ts";
import { INSPECT_FORMAT, inspectEach } from "../../inspected.ts";
import { LATEST_OPTION } from "../../options/listing.ts";

const TYPES: readonly string[] = ["all", "container", "image", "volume", "network"];

export default defineCommand({
  paths: [["inspect"], ["container", "inspect"]],
  summary: "Display the configuration of containers, images, volumes and networks",
  description:
    "A name is looked up among containers, then images, volumes and networks, unless --type says what it is.",
  usage: "[options] NAME [NAME...]",
  examples: [
    ["kelp inspect web", "All that is known of a container"],
    ["kelp inspect --format '{{.State.Pid}}' web", "One field of it"],
  ],
  options: {
    ...LATEST_OPTION,
    ...INSPECT_FORMAT,
    size: { kind: "boolean", short: "s", text: "Add the sizes of containers" },
    type: {
      kind: "string",
      short: "t",
      value: "TYPE",
      default: "all",
      text: "What the names are",
      completes: TYPES,
    },
  },
  args: { min: 1, checked: true, completes: "object" },
  async run({ io, args, options, path, globals }) {
    const ctx = await openContext(globals);
    const type = path[0] === "container" ? "container" : options.type;
    if (!TYPES.includes(type))
      throw new UsageError(
        "invalid-type",
        `invalid type ${JSON.stringify(type)}: must be one of ${TYPES.join(", ")}`,
      );
    const names = options.latest ? latest(ctx, args) : args;
    if (names.length === 0) throw new UsageError("missing-name", "no containers or images specified");
    return inspectEach(io, {
      names,
      find: (name) => inspectOne(ctx, name, type, options.size),
      format: options.format,
    });
  },
});

function latest(ctx: Context, args: readonly string[]): string[] {
  if (args.length > 0)
    throw new UsageError("conflicting-flags", "--latest and arguments cannot be used together");
  const record = ownContainers(ctx).at(-1);
  if (record === undefined) throw new NotFoundError("no-such-container", "no containers: no such container");
  return [record.id];
}

async function inspectOne(ctx: Context, name: string, type: string, size: boolean): Promise<object> {
  if (type === "all" || type === "container") {
    try {
      const record = resolveContainer(ctx, name);
      const sizes = size ? (await containerSizes(ctx, [record])).get(record.id) : undefined;
      return inspectContainer(
        ctx,
        viewOf(ctx, record),
        sizes === undefined ? {} : { sizeRw: sizes.own, sizeRootFs: sizes.total },
      );
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      if (type === "container") {
        throw new NotFoundError("no-such-container", `no such container ${JSON.stringify(name)}`);
      }
    }
  }
  return inspectByType(ctx, name, type);
}
