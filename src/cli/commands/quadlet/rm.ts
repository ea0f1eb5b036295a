import { NotFoundError, UsageError } from "../../../base/index.ts";
import { openContext } from "../../../state/index.ts";
import { installedNames, removeQuadlet, syncHome } from "../../../systemd/index.ts";
import { defineCommand } from "../../command.ts";
import { ownQuadlets } from "../../quadlet-places.ts";
import { RELOAD_OPTION, reloadUnits } from "../../reload-units.ts";

export default defineCommand({
  paths: [["quadlet", "rm"]],
  summary: "Remove installed quadlets and their units",
  description:
    "A quadlet that was installed along with others goes with all of them. What its service has made, a volume or a network, stays.",
  usage: "[options] QUADLET|APPLICATION [QUADLET...]",
  examples: [["kelp quadlet rm web.container", "Remove a quadlet whose service does not run"]],
  options: {
    all: { kind: "boolean", short: "a", text: "All quadlets of this user" },
    force: { kind: "boolean", short: "f", text: "Stop services that run" },
    ignore: { kind: "boolean", short: "i", text: "Pass over quadlets that do not exist" },
    ...RELOAD_OPTION,
  },
  args: { min: 1, checked: true },
  async run({ io, args, options, globals }) {
    if (args.length === 0 && !options.all)
      throw new UsageError("missing-argument", "must provide at least 1 quadlet or --all");
    const home = ownQuadlets(await openContext(globals));
    const removed: string[] = [];
    let failure: unknown;
    for (const name of options.all ? installedNames(home) : args) {
      try {
        await removeQuadlet(home, name, options.force);
        removed.push(name);
      } catch (error) {
        // One that went with another is gone as wanted.
        if (error instanceof NotFoundError && (options.ignore || removed.length > 0)) continue;
        failure ??= error;
      }
    }
    if (removed.length > 0) {
      syncHome(home);
      await reloadUnits(options["reload-systemd"]);
    }
    io.out(removed.map((name) => `${name}\n`).join(""));
    if (failure !== undefined) throw failure;
    return 0;
  },
});
