import { manifestLists } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { INSECURE_OPTION, parseAnnotations } from "../../options/manifest.ts";
import { AUTH_OPTIONS, accessOptions } from "../../options/registry.ts";

export default defineCommand({
  paths: [["manifest", "create"]],
  summary: "Create an index of images",
  usage: "[options] LIST [IMAGE...]",
  examples: [["kelp manifest create mylist", "Make an empty index to add images to"]],
  options: {
    all: { kind: "boolean", text: "Add every image of the indexes that are named" },
    amend: { kind: "boolean", short: "a", text: "Add to a list that is there" },
    annotation: { kind: "list", value: "KEY=VALUE", text: "Annotation of the index" },
    ...AUTH_OPTIONS,
    ...INSECURE_OPTION,
  },
  args: { min: 1, completes: "image" },
  exclusive: [["tls-verify", "insecure"]],
  async run({ args: [name = "", ...members], options, given, io, globals }) {
    const ctx = await openContext(globals);
    const { createList } = await manifestLists();
    const id = await createList(ctx, name, members, {
      all: options.all,
      amend: options.amend,
      annotations: parseAnnotations(options.annotation),
      access: { ...accessOptions(options, given), ...(options.insecure ? { tlsVerify: false } : {}) },
    });
    io.out(`${id}\n`);
    return 0;
  },
});
