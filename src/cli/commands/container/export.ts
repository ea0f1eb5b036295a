import { closeSync, openSync } from "node:fs";
import { errnoCode, StorageError, UsageError } from "../../../base/index.ts";
import { exportContainer, resolveContainer } from "../../../container/index.ts";
import { errnoText } from "../../../host/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["export"], ["container", "export"]],
  summary: "Write all files of a container to a tar archive",
  description: "Volumes and other mounts are not part of it. The archive can be made an image with import.",
  usage: "[options] CONTAINER",
  examples: [
    ["kelp export -o web.tar web", "Write to a file"],
    ["kelp export web | tar t", "See what a container holds"],
  ],
  options: {
    output: {
      kind: "string",
      short: "o",
      value: "FILE",
      text: "Write to a file instead of standard output",
      completes: "file",
    },
  },
  args: { min: 1, max: 1, completes: "container" },
  async run({ args, options, io, globals }) {
    if (options.output === undefined && io.stdoutIsTty)
      throw new UsageError("stdout-is-terminal", "refusing to export to terminal. Use -o flag or redirect");
    if (options.output?.includes(":")) {
      throw new UsageError(
        "export-output",
        `invalid filename (should not contain ':') ${JSON.stringify(options.output)}`,
      );
    }
    const ctx = await openContext(globals);
    const record = resolveContainer(ctx, args[0] as string);
    if (options.output === undefined) {
      await exportContainer(ctx, record, 1);
      return 0;
    }
    const fd = create(options.output);
    try {
      await exportContainer(ctx, record, fd);
    } finally {
      closeSync(fd);
    }
    return 0;
  },
});

function create(path: string): number {
  try {
    return openSync(path, "w", 0o644);
  } catch (cause) {
    const reason = errnoText(errnoCode(cause)) ?? String(cause);
    throw new StorageError("export-output", `cannot write ${path}: ${reason}`, { cause });
  }
}
