import { writeFileSync } from "node:fs";
import { UsageError } from "../../../base/index.ts";
import { findImage, manifestLists, removeImages } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { interruptible } from "../../interrupt.ts";
import { INSECURE_OPTION } from "../../options/manifest.ts";
import { formOptions, PUSH_OPTIONS } from "../../options/push.ts";
import { accessOptions, retryOptions } from "../../options/registry.ts";
import { showProgress } from "../../progress.ts";

export default defineCommand({
  paths: [["manifest", "push"]],
  summary: "Push an index and its images to a registry",
  usage: "[options] LIST [DESTINATION]",
  examples: [["kelp manifest push mylist registry.example.com/me/app:1.0", "Push under another name"]],
  options: {
    "add-compression": {
      kind: "list",
      comma: true,
      value: "FORMAT",
      text: "Add every image once more with this compression (zstd)",
      completes: ["zstd"],
    },
    all: { kind: "boolean", default: true, text: "Push the images too, not only the index" },
    ...PUSH_OPTIONS,
    ...INSECURE_OPTION,
    purge: { kind: "boolean", short: "p", hidden: true, text: "The same as --rm" },
    rm: { kind: "boolean", text: "Remove the list from the store afterwards" },
  },
  args: { min: 1, max: 2, completes: { each: ["image", "none"] } },
  exclusive: [["tls-verify", "insecure"]],
  async run({ args: [list = "", destination], options, given, io, globals }) {
    const ctx = await openContext(globals);
    const { pushList } = await manifestLists();
    const found = findImage(ctx, list);
    const progress = showProgress(io, options.quiet);
    const digest = await interruptible((signal) =>
      pushList(ctx, list, destination ?? found.name ?? list, {
        ...formOptions(options),
        ...retryOptions(ctx, options, given),
        access: { ...accessOptions(options, given), ...(options.insecure ? { tlsVerify: false } : {}) },
        addCompression: options["add-compression"].map(addedCompression),
        all: options.all,
        progress,
        signal,
      }),
    ).finally(() => progress.close());
    if (options.digestfile !== undefined) writeFileSync(options.digestfile, digest);
    if (options.rm || options.purge) await removeImages(ctx, [found.record.id], { force: true });
    return 0;
  },
});

/** The extra table of zstd:chunked serves partial pulls only; its readers take plain zstd as well. */
function addedCompression(word: string): "zstd" {
  if (word === "zstd" || word === "zstd:chunked") return "zstd";
  throw new UsageError("compression-format", `--add-compression: ${JSON.stringify(word)} is not zstd`);
}
