import { log } from "../../../base/index.ts";
import { openContext } from "../../../state/index.ts";
import { installQuadlets, readNewFiles } from "../../../systemd/index.ts";
import { defineCommand } from "../../command.ts";
import { ownQuadlets } from "../../quadlet-places.ts";
import { RELOAD_OPTION, reloadUnits } from "../../reload-units.ts";

export default defineCommand({
  paths: [["quadlet", "install"]],
  summary: "Install quadlet files and write their units",
  description:
    "Copies files to ~/.config/containers/systemd and writes the units they mean to ~/.config/systemd/user, enabled as their [Install] section says. A file that cannot be used is refused with its line, and nothing is written. A directory, as the first word, or a .quadlets file (several quadlets with --- between them, each named by a comment # FileName=NAME) is an application: removing one of its files removes all. Files that are no quadlets belong to the quadlet before them.",
  usage: "[options] QUADLET|DIRECTORY|URL [FILE|URL...]",
  examples: [
    ["kelp quadlet install web.container", "Install one quadlet"],
    ["kelp quadlet install --replace ./shop", "Install a directory again"],
  ],
  options: {
    ...RELOAD_OPTION,
    replace: { kind: "boolean", short: "r", text: "Replace files of the same names" },
  },
  args: { min: 1, completes: "file" },
  async run({ io, args, options, globals }) {
    const home = ownQuadlets(await openContext(globals));
    const { paths, problems } = installQuadlets(home, await readNewFiles(args), options.replace);
    for (const problem of problems) log.warn(`no unit is made: ${problem.message}`);
    await reloadUnits(options["reload-systemd"]);
    io.out(paths.map((path) => `${path}\n`).join(""));
    return 0;
  },
});
