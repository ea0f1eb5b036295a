import { manifestLists } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["manifest", "remove"]],
  summary: "Remove an entry from an index",
  usage: "LIST DIGEST",
  examples: [["kelp manifest remove mylist sha256:…", "The entry goes, the image stays"]],
  options: {},
  args: { min: 2, max: 2, completes: "image" },
  async run({ args: [list = "", member = ""], io, globals }) {
    const ctx = await openContext(globals);
    const { removeFromList } = await manifestLists();
    io.out(`${removeFromList(ctx, list, member)}\n`);
    return 0;
  },
});
