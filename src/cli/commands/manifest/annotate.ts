import { UsageError } from "../../../base/index.ts";
import { manifestLists } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { ENTRY_OPTIONS, entryFlags, parseAnnotations } from "../../options/manifest.ts";

export default defineCommand({
  paths: [["manifest", "annotate"]],
  summary: "Say more about an index or one of its entries",
  usage: "[options] LIST [DIGEST|IMAGE]",
  examples: [
    ["kelp manifest annotate --arch arm64 mylist sha256:…", "Say which architecture an entry is for"],
  ],
  options: {
    ...ENTRY_OPTIONS,
    index: { kind: "boolean", text: "Change the index itself" },
    subject: { kind: "string", value: "IMAGE", text: "What the index is about" },
  },
  args: { min: 1, max: 2, completes: "image" },
  async run({ args: [list = "", member], options, io, globals }) {
    const ctx = await openContext(globals);
    const { annotateEntry, annotateList } = await manifestLists();
    const index = options.index || options.subject !== undefined;
    if (index === (member !== undefined))
      throw new UsageError("arguments-conflict", "give an entry of the list, or --index for the list itself");
    const id =
      member === undefined
        ? annotateList(ctx, list, {
            annotations: parseAnnotations(options.annotation),
            subject: options.subject,
          })
        : annotateEntry(ctx, list, member, entryFlags(options));
    io.out(`${id}\n`);
    return 0;
  },
});
