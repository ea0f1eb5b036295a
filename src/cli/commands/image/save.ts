import { UsageError } from "../../../base/index.ts";
import { findImage, SAVE_FORMATS, type SaveFormat, saveImages } from "../../../image/index.ts";
import { openContext, writeEvent } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { calledAs } from "../../program.ts";

export default defineCommand({
  paths: [["save"], ["image", "save"]],
  summary: "Save images to an archive",
  description:
    "The first name is the image, further ones are added to it as tags; with --multi-image-archive, and for who calls kelp by the name docker, every name is an image. Digests are kept wherever the format can.",
  usage: "[options] IMAGE [IMAGE...]",
  examples: [
    ["kelp save -o busybox.tar busybox", "Save to a file docker and podman load"],
    ["kelp save --format oci-archive busybox | ssh host kelp load", "Send an image to another machine"],
  ],
  options: {
    compress: { kind: "boolean", text: "Compress the layers of docker-dir" },
    format: {
      kind: "string",
      value: "FORMAT",
      default: "docker-archive",
      text: "Layout to write",
      completes: SAVE_FORMATS,
    },
    "multi-image-archive": {
      kind: "boolean",
      short: "m",
      text: "Every argument is an image, not a further name",
      setting: "multiImageArchive",
    },
    output: {
      kind: "string",
      short: "o",
      value: "FILE",
      text: "Write to a file or directory instead of standard output",
      completes: "file",
    },
    quiet: { kind: "boolean", short: "q", text: "Print nothing" },
    "signature-policy": { kind: "string", value: "FILE", hidden: true, text: "Accepted and ignored" },
    uncompressed: {
      kind: "boolean",
      text: "Write the layers of OCI formats uncompressed",
    },
  },
  args: { min: 1, completes: "image" },
  async run({ args, options, io, globals }) {
    const format = options.format as SaveFormat;
    if (!SAVE_FORMATS.includes(format)) {
      throw new UsageError(
        "save-format",
        `unknown format ${JSON.stringify(options.format)}: must be one of ${SAVE_FORMATS.join(", ")}`,
      );
    }
    const isDirectory = format === "oci-dir" || format === "docker-dir";
    if (options.compress && format !== "docker-dir") {
      throw new UsageError("save-compress", "--compress can only be set when --format is 'docker-dir'");
    }
    if (isDirectory && options.output === undefined) {
      throw new UsageError("save-output", `--format ${format} needs a directory: give --output`);
    }
    if (options.output === undefined && io.stdoutIsTty) {
      throw new UsageError("stdout-is-terminal", "refusing to save to terminal. Use -o flag or redirect");
    }
    if (options.output?.includes(":")) {
      throw new UsageError(
        "save-output",
        `invalid filename (should not contain ':') ${JSON.stringify(options.output)}`,
      );
    }
    const ctx = await openContext(globals);
    // docker knows no tags here: each name is an image.
    const multi = options["multi-image-archive"] || calledAs() === "docker";
    await saveImages(ctx, args, {
      format,
      output: options.output,
      sink: (piece) => io.write(piece),
      multi,
      compress: options.compress,
      uncompressed: options.uncompressed,
    });
    for (const name of multi ? args : args.slice(0, 1)) {
      const id = findImage(ctx, name).record.id;
      writeEvent(ctx, { type: "image", status: "save", id, name: options.output ?? "" });
    }
    return 0;
  },
});
