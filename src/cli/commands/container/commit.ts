import { UsageError } from "../../../base/index.ts";
import { commitContainer, resolveContainer } from "../../../container/index.ts";
import { writeFileAtomic } from "../../../host/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { tellOwners } from "../../image-notices.ts";
import { calledAs } from "../../program.ts";

export default defineCommand({
  paths: [["commit"], ["container", "commit"]],
  summary: "Make an image of a container's changes",
  description:
    "The image gets the container's image, one layer with everything the container changed, and the container's command, environment, user, labels and working directory.",
  usage: "[options] CONTAINER [IMAGE]",
  examples: [
    ["kelp commit web web:fixed", "Keep what was changed by hand"],
    ["kelp commit -c 'CMD [\"/bin/server\"]' build server", "Give it a command"],
  ],
  options: {
    author: { kind: "string", short: "a", value: "AUTHOR", text: "Author of the image" },
    change: {
      kind: "list",
      short: "c",
      value: "INSTRUCTION",
      text: "Apply CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR",
    },
    config: {
      kind: "string",
      value: "FILE",
      text: "File of further settings",
      unsupported: "--change says the same",
    },
    format: {
      kind: "string",
      short: "f",
      value: "FORMAT",
      default: "oci",
      text: "Format of the manifest",
      completes: ["oci", "docker"],
    },
    iidfile: { kind: "string", value: "FILE", text: "Write the image's ID to a file", completes: "file" },
    "include-volumes": {
      kind: "boolean",
      text: "Commit volumes too",
      unsupported: "what a volume holds belongs to the volume; copy it with cp first",
    },
    message: {
      kind: "string",
      short: "m",
      value: "TEXT",
      text: "Comment in the history; docker format only",
    },
    pause: { kind: "boolean", short: "p", text: "Freeze the container meanwhile" },
    quiet: { kind: "boolean", short: "q", text: "Print the ID only" },
    squash: { kind: "boolean", short: "s", text: "Make one layer of everything" },
  },
  args: { min: 1, max: 2, completes: { each: ["container", "image"] } },
  async run({ args, options, given, io, globals }) {
    const [name, reference] = args as readonly [string, string?];
    // Who says docker means its format, too: only there podman lets an image have a message.
    const format = calledAs() === "docker" && !given.has("format") ? "docker" : options.format;
    if (format !== "oci" && format !== "docker") {
      throw new UsageError(
        "commit-format",
        `unrecognized image format ${JSON.stringify(format)}: must be oci or docker`,
      );
    }
    const ctx = await openContext(globals);
    const stored = await commitContainer(ctx, resolveContainer(ctx, name), {
      reference,
      changes: options.change,
      author: options.author,
      message: options.message,
      format,
      squash: options.squash,
      pause: options.pause,
    });
    if (!options.quiet) {
      io.err("Getting image source signatures\nWriting manifest to image destination\n");
      tellOwners(io, [stored]);
    }
    if (options.iidfile !== undefined) writeFileAtomic(options.iidfile, stored.record.id, { mode: 0o644 });
    io.out(`${stored.record.id}\n`);
    return 0;
  },
});
