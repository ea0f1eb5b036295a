import { UsageError } from "../../../base/index.ts";
import { loadArchive } from "../../../image/index.ts";
import { openContext, writeEvent } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { tellMoved, tellOwners } from "../../image-notices.ts";

export default defineCommand({
  paths: [["load"], ["image", "load"]],
  summary: "Load images from an archive",
  description:
    "Reads docker-archive, oci-archive, OCI layout and docker-dir, plain or compressed with gzip, bzip2, xz or zstd, from a file, a directory, a URL or standard input. Digests are verified.",
  usage: "[options]",
  examples: [
    ["kelp load -i busybox.tar", "Load the images of a file"],
    ["curl https://example.com/image.tar.gz | kelp load", "Load from standard input"],
  ],
  options: {
    input: {
      kind: "string",
      short: "i",
      value: "FILE",
      text: "File, directory or URL to read instead of standard input",
      completes: "file",
    },
    quiet: { kind: "boolean", short: "q", text: "Print names of the loaded images only" },
  },
  args: { min: 0, max: 0, completes: "none" },
  async run({ options, io, globals }) {
    const ctx = await openContext(globals);
    const from = options.input ?? "-";
    if (from === "-" && io.stdinIsTty) {
      throw new UsageError(
        "stdin-is-terminal",
        "cannot read from terminal, use command-line redirection or the --input flag",
      );
    }
    const stored = await loadArchive(ctx, { from, stdin: () => io.stdin() });
    for (const { record } of stored)
      writeEvent(ctx, { type: "image", status: "loadfromarchive", id: record.id, name: from });
    tellOwners(io, stored);
    if (!options.quiet) tellMoved(io, stored);
    for (const { record, names } of stored) {
      if (names.length === 0) io.out(`Loaded image: sha256:${record.id}\n`);
      for (const name of names) io.out(`Loaded image: ${name}\n`);
    }
    return 0;
  },
});
