import { openContext } from "../../../state/index.ts";
import { reloadVolumes } from "../../../volume/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["volume", "reload"]],
  summary: "Find volumes that the records do not know",
  description:
    "Directories of volumes without a record become volumes again, as after the loss of the database; volumes without a directory are named. kelp has no volume plugins to ask.",
  usage: "",
  options: {},
  args: { min: 0, max: 0 },
  async run({ io, globals }) {
    const ctx = await openContext(globals);
    const { added, missing } = reloadVolumes(ctx);
    const list = (title: string, names: readonly string[]) =>
      names.length === 0 ? "" : `${title}:\n${names.map((name) => `${name}\n`).join("")}`;
    io.out(`${list("Added", added)}${list("Missing", missing)}`);
    return 0;
  },
});
