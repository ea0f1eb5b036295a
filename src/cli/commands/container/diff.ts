import { NotFoundError, UsageError } from "../../../base/index.ts";
import { compareTrees, containerChanges, resolveContainer } from "../../../container/index.ts";
import { findImage, imageChanges, tryFindImage } from "../../../image/index.ts";
import { type ContainerRecord, type Context, openContext } from "../../../state/index.ts";
import type { TreeChange } from "../../../storage/index.ts";
import { printChanges } from "../../changes.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers } from "../../containers.ts";
import { LATEST_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["diff"], ["container", "diff"], ["image", "diff"]],
  summary: "Show which files a container or an image changes",
  description: `A container is compared with its image, an image without its last layer with itself; with a second
  name, with what that one holds. A line begins with A for what was added, C for changed, D for deleted.`,
  usage: "[options] CONTAINER|IMAGE [CONTAINER|IMAGE]",
  examples: [
    ["kelp diff web", "What a container changed"],
    ["kelp diff myimage busybox", "What one image has and another has not"],
  ],
  options: {
    ...LATEST_OPTION,
    format: { kind: "string", value: "FORMAT", text: "Print as json", completes: ["json"] },
  },
  args: { min: 1, max: 2, checked: true, completes: "container" },
  async run({ args, options, path, io, globals }) {
    const ctx = await openContext(globals);
    const names = options.latest ? [chooseContainers(ctx, args, options).targets[0]!.record.id] : args;
    const [name, other] = names;
    if (name === undefined || names.length > 2)
      throw new UsageError("missing-name", "diff needs one or two names of containers or images");
    const kind = path[0] === "image" || path[0] === "container" ? path[0] : "any";
    printChanges(io, await changes(ctx, kind, name, other), options.format);
    return 0;
  },
});

async function changes(
  ctx: Context,
  kind: "image" | "container" | "any",
  name: string,
  other: string | undefined,
): Promise<TreeChange[]> {
  const found = find(ctx, kind, name);
  if (other !== undefined) return compareTrees(ctx, found, find(ctx, "any", other));
  return "container" in found ? containerChanges(ctx, found.container) : imageChanges(ctx, found.image);
}

/** Containers come first where both have the name, as everywhere. */
function find(ctx: Context, kind: "image" | "container" | "any", name: string) {
  if (kind === "image") return { image: findImage(ctx, name).record };
  if (kind === "container") return { container: resolveContainer(ctx, name) };
  const container = tryContainer(ctx, name);
  if (container !== undefined) return { container };
  const image = tryFindImage(ctx, name);
  if (image !== undefined) return { image: image.record };
  throw new NotFoundError("no-such-object", `${name} not found: layer not known`);
}

function tryContainer(ctx: Context, name: string): ContainerRecord | undefined {
  try {
    return resolveContainer(ctx, name);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
