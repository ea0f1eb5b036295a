import { NotFoundError, UsageError } from "../../../base/index.ts";
import { type CopyPlace, copyFiles, resolveContainer } from "../../../container/index.ts";
import { type Context, openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["cp"], ["container", "cp"]],
  summary: "Copy files between containers and the host",
  description: `A directory is copied into an existing directory under its own name, or becomes the new name; with /. at
  the end only what is in it is copied. A path of a container may be relative to its working directory, and whatever links
  are in it lead to places inside. With - an archive is read from standard input or written to standard output.`,
  usage: "[options] [CONTAINER:]SOURCE [CONTAINER:]DESTINATION",
  examples: [
    ["kelp cp web:/etc/nginx ./nginx", "Copy a directory out"],
    ["kelp cp app.conf web:/etc/app.conf", "Copy a file in"],
    ["tar c site | kelp cp - web:/srv", "Unpack an archive inside"],
  ],
  options: {
    quiet: {
      kind: "boolean",
      short: "q",
      hidden: true,
      text: "Has no effect; cp prints nothing. docker has it",
    },
    archive: {
      kind: "boolean",
      short: "a",
      default: true,
      text: "Give files copied in to the container's user; with =false they keep their numeric owner",
    },
    extract: { kind: "boolean", hidden: true, text: "Accepted and ignored" },
    overwrite: { kind: "boolean", text: "Replace directories by files and files by directories" },
    pause: { kind: "boolean", hidden: true, text: "Accepted and ignored" },
  },
  args: { min: 2, max: 2, completes: "copy-place" },
  async run({ args, options, io, globals }) {
    const ctx = await openContext(globals);
    const [from, to] = args.map((word) => place(ctx, word)) as [CopyPlace, CopyPlace];
    if (from.kind !== "container" && to.kind !== "container") {
      throw new UsageError(
        "copy-ends",
        `invalid arguments ${JSON.stringify(args[0])}, ${JSON.stringify(args[1])}: exactly 1 container expected but 0 specified`,
        { hint: "write CONTAINER:PATH for the end that is in a container" },
      );
    }
    if (from.kind === "stream" && io.stdinIsTty)
      throw new UsageError(
        "stdin-is-terminal",
        "cannot read an archive from the terminal, redirect standard input",
      );
    if (to.kind === "stream" && io.stdoutIsTty)
      throw new UsageError(
        "stdout-is-terminal",
        "refusing to write an archive to the terminal, redirect standard output",
      );
    await copyFiles(ctx, {
      from,
      to,
      archive: options.archive,
      overwrite: options.overwrite,
      stdin: () => io.stdin(),
    });
    return 0;
  },
});

/** A colon divides a container from its path, unless what stands before it is clearly a path. */
function place(ctx: Context, word: string): CopyPlace {
  if (word === "-") return { kind: "stream" };
  const colon = word.indexOf(":");
  if (colon < 1 || word.startsWith("/") || word.startsWith(".")) return { kind: "host", path: word };
  const [name, path] = [word.slice(0, colon), word.slice(colon + 1)];
  if (path === "")
    throw new NotFoundError("no-such-path", `cannot copy ${word}: a path must follow the colon`);
  return { kind: "container", record: resolveContainer(ctx, name), path, name };
}
