import { UsageError } from "../../../base/index.ts";
import { removeContainer, sweepEnded } from "../../../container/index.ts";
import { type RemoveOptions, removeAllImages, removeImages } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { reportFailure } from "../../exit.ts";

export default defineCommand({
  paths: [["rmi"], ["image", "rm"], ["image", "remove"]],
  summary: "Remove images",
  description:
    "An image with several names loses the given one; with the last name, or by its ID, it is removed.",
  usage: "[options] IMAGE [IMAGE...]",
  examples: [
    ["kelp rmi busybox", "Remove an image"],
    ["kelp rmi --all --force", "Remove all images, and the containers that use them"],
  ],
  options: {
    all: { kind: "boolean", short: "a", text: "Remove all images" },
    force: {
      kind: "boolean",
      short: "f",
      text: "Remove containers that use an image too; missing images are no error",
    },
    ignore: { kind: "boolean", short: "i", text: "Missing images are no error" },
    "no-prune": { kind: "boolean", text: "Keep untagged images it was made from" },
  },
  args: { min: 1, checked: true, completes: "image" },
  async run({ args, options, io, globals }) {
    if (args.length === 0 && !options.all)
      throw new UsageError("arguments-missing", "image name or ID must be specified");
    if (args.length > 0 && options.all)
      throw new UsageError(
        "arguments-conflict",
        "when using the --all switch, you may not pass any images names or IDs",
      );
    const ctx = await openContext(globals);
    await sweepEnded(ctx);
    const remove: RemoveOptions = {
      force: options.force,
      ignore: options.ignore || options.force,
      noPrune: options["no-prune"],
      async removeContainer(id) {
        const container = ctx.state.containers.get(id);
        if (container !== undefined)
          await removeContainer(ctx, container, { force: true, depend: true, volumes: true });
      },
    };
    const report = options.all ? await removeAllImages(ctx, remove) : await removeImages(ctx, args, remove);
    for (const name of report.untagged) io.out(`Untagged: ${name}\n`);
    for (const id of report.deleted) io.out(`Deleted: ${id}\n`);
    return report.errors.reduce((status, error) => Math.max(status, reportFailure(error, io, false)), 0);
  },
});
