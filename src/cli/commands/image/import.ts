import { UsageError } from "../../../base/index.ts";
import { importRootfs } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { tellOwners } from "../../image-notices.ts";

export default defineCommand({
  paths: [["import"], ["image", "import"]],
  summary: "Make an image from the tar of a root filesystem",
  usage: "[options] PATH|URL|- [REFERENCE]",
  examples: [
    ["kelp import rootfs.tar.gz mybase", "Make the image localhost/mybase"],
    ["kelp import -c 'CMD [\"/bin/sh\"]' - < rootfs.tar", "Give it a command"],
  ],
  options: {
    arch: { kind: "string", value: "ARCH", text: "Architecture of the image" },
    change: {
      kind: "list",
      short: "c",
      value: "INSTRUCTION",
      text: "Apply CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR",
    },
    message: { kind: "string", short: "m", value: "TEXT", text: "Comment in the image's history" },
    os: { kind: "string", value: "OS", text: "Operating system of the image" },
    quiet: { kind: "boolean", short: "q", text: "Print the ID only" },
    "signature-policy": { kind: "string", value: "FILE", hidden: true, text: "Accepted and ignored" },
    variant: { kind: "string", value: "VARIANT", text: "Variant of the architecture" },
  },
  args: { min: 1, max: 2, completes: { each: ["file", "image"] } },
  async run({ args, options, io, globals }) {
    const ctx = await openContext(globals);
    const [from, reference] = args as readonly [string, string?];
    if (from === "-" && io.stdinIsTty) {
      throw new UsageError(
        "stdin-is-terminal",
        "cannot read from terminal, use command-line redirection or name a file",
      );
    }
    const stored = await importRootfs(
      ctx,
      { from, stdin: () => io.stdin() },
      {
        reference,
        changes: options.change,
        message: options.message,
        architecture: options.arch,
        os: options.os,
        variant: options.variant,
      },
    );
    tellOwners(io, [stored]);
    io.out(`sha256:${stored.record.id}\n`);
    return 0;
  },
});
