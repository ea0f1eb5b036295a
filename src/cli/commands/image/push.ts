import { writeFileSync } from "node:fs";
import { UsageError } from "../../../base/index.ts";
import { pushImages } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { interruptible } from "../../interrupt.ts";
import { formOptions, PUSH_OPTIONS } from "../../options/push.ts";
import { accessOptions, retryOptions } from "../../options/registry.ts";
import { showProgress } from "../../progress.ts";

export default defineCommand({
  paths: [["push"], ["image", "push"]],
  summary: "Push an image to a registry, an archive or a directory",
  description:
    "Layers the registry has are not sent. The destination may begin with docker://, docker-archive:, oci-archive:, oci: or dir:; without one the image goes to the registry its name says.",
  usage: "[options] IMAGE [DESTINATION]",
  examples: [
    ["kelp push myimage registry.example.com/me/myimage:1.0", "Push under another name"],
    ["kelp push --compression-format zstd IMAGE", "Compress the layers with zstd"],
  ],
  options: {
    all: { kind: "boolean", hidden: true, text: "Push the images of an index too" },
    compress: { kind: "boolean", text: "Compress the layers of dir:" },
    ...PUSH_OPTIONS,
    "signature-policy": { kind: "string", value: "FILE", hidden: true, text: "Accepted and ignored" },
  },
  args: { min: 1, max: 2, completes: { each: ["image", "none"] } },
  async run({ args, options, given, io, globals }) {
    const ctx = await openContext(globals);
    const [image = "", destination] = args;
    const compress = options.compress;
    if (compress && !destination?.startsWith("dir:"))
      throw new UsageError("push-compress", "--compress can only be set when pushing to dir:");
    const progress = showProgress(io, options.quiet);
    const retry = retryOptions(ctx, options, given);
    const form = formOptions(options);
    const digest = await interruptible((signal) =>
      pushImages(ctx, image, destination, {
        ...form,
        ...retry,
        access: accessOptions(options, given),
        compress,
        progress,
        signal,
      }),
    ).finally(() => progress.close());
    if (options.digestfile !== undefined) {
      if (digest === undefined)
        throw new UsageError(
          "push-digestfile",
          "--digestfile: this destination has no manifest with a digest",
        );
      writeFileSync(options.digestfile, digest);
    }
    return 0;
  },
});
