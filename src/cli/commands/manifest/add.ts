import { UsageError } from "../../../base/index.ts";
import { manifestLists } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { ENTRY_OPTIONS, entryFlags, INSECURE_OPTION } from "../../options/manifest.ts";
import { AUTH_OPTIONS, accessOptions, CREDS_OPTION } from "../../options/registry.ts";

export default defineCommand({
  paths: [["manifest", "add"]],
  summary: "Add images or files to an index",
  description:
    "An image that is in the store is taken from there; of one in a registry only the manifest is fetched, and the rest is copied when the index is pushed.",
  usage: "[options] LIST IMAGE|FILE [IMAGE|FILE...]",
  examples: [
    ["kelp manifest add mylist docker://quay.io/libpod/alpine --all", "Add all images of another index"],
  ],
  options: {
    all: { kind: "boolean", text: "Add every image of an index, not only this machine's" },
    artifact: { kind: "boolean", text: "The arguments are files: add them as an artifact" },
    "artifact-config": {
      kind: "string",
      value: "FILE",
      text: "Configuration of the artifact",
      completes: "file",
    },
    "artifact-config-type": { kind: "string", value: "TYPE", text: "Media type of that configuration" },
    "artifact-exclude-titles": { kind: "boolean", text: "Do not record the names of the files" },
    "artifact-layer-type": { kind: "string", value: "TYPE", text: "Media type of the files" },
    "artifact-subject": { kind: "string", value: "IMAGE", text: "What the artifact is about" },
    "artifact-type": { kind: "string", value: "TYPE", text: "Type of the artifact" },
    ...ENTRY_OPTIONS,
    ...AUTH_OPTIONS,
    ...CREDS_OPTION,
    ...INSECURE_OPTION,
  },
  args: { min: 2, completes: "image" },
  exclusive: [["tls-verify", "insecure"]],
  async run({ args: [list = "", ...members], options, given, io, globals }) {
    const ctx = await openContext(globals);
    const { addArtifact, addToList } = await manifestLists();
    const flags = entryFlags(options);
    if (options.artifact) {
      const id = await addArtifact(ctx, list, members, {
        ...flags,
        artifactType: options["artifact-type"],
        configFile: options["artifact-config"],
        configType: options["artifact-config-type"],
        excludeTitles: options["artifact-exclude-titles"],
        layerType: options["artifact-layer-type"],
        subject: options["artifact-subject"],
      });
      io.out(`${id}\n`);
      return 0;
    }
    const artifactFlag = [...given].find((name) => name.startsWith("artifact-"));
    if (artifactFlag !== undefined)
      throw new UsageError("arguments-conflict", `--${artifactFlag} requires --artifact`);
    const access = { ...accessOptions(options, given), ...(options.insecure ? { tlsVerify: false } : {}) };
    io.out(`${await addToList(ctx, list, members, { ...flags, all: options.all, access })}\n`);
    return 0;
  },
});
