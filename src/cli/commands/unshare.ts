import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { CommandNotFoundError } from "../../base/index.ts";
import { hostEnvironment } from "../../config/index.ts";
import { ensureDir, ensureRuntimeDir, findProgram, loadIdMaps } from "../../host/index.ts";
import {
  holdfastPath,
  kelpCommand,
  lowerEnter,
  startPlan,
  sweepPlans,
  writePlan,
} from "../../runtime/index.ts";
import { openContext } from "../../state/index.ts";
import { defineCommand } from "../command.ts";

export default defineCommand({
  paths: [["unshare"]],
  summary: "Run a command in the user namespace of the containers",
  description: `Inside, you are root and the files of all containers' users are yours to look at and
  change: the way to inspect or delete what containers wrote into mounted directories.
  Without a command, your shell is started.`,
  usage: "[COMMAND [ARG...]]",
  examples: [
    ["kelp unshare cat /proc/self/uid_map", "See which user IDs containers have"],
    ["kelp unshare rm -r data", "Delete a directory that a container's users wrote to"],
  ],
  options: {
    "rootless-netns": {
      kind: "boolean",
      text: "Join the network namespace of the containers",
      unsupported: "only containers enter their network namespace",
    },
  },
  args: { min: 0, options: "after-first", completes: "command" },
  async run({ args, globals }) {
    const { paths } = await openContext(globals);
    const environment = hostEnvironment();
    const argv = args.length > 0 ? args : [environment.SHELL ?? "/bin/sh"];
    requireProgram(argv[0] as string);
    const env = Object.entries({ ...environment, _CONTAINERS_USERNS_CONFIGURED: "done" }).map(
      ([name, value]) => `${name}=${value}`,
    );
    const planPath = join(paths.runtime, `unshare-${process.pid}.plan`);
    ensureRuntimeDir(paths);
    ensureDir(join(paths.runtime, "live"));
    sweepPlans(paths.runtime);
    writePlan(
      planPath,
      lowerEnter({
        paths,
        maps: loadIdMaps(),
        argv,
        env,
        search: (environment.PATH ?? "/usr/bin:/bin").split(":"),
        cwd: process.cwd(),
        leftover: planPath,
        onFailure: {
          argv: [...kelpCommand(), "__failed", "job:unshare", planPath, paths.data, paths.runtime],
          env,
        },
      }),
    );
    const holdfast = holdfastPath(paths);
    if (!globals.noout) return startPlan(holdfast, "enter", planPath);
    const { status } = spawnSync(holdfast, ["enter", planPath], {
      stdio: ["inherit", "ignore", "inherit"],
      env: {},
    });
    return status ?? 125;
  },
});

/** A missing program is told here: holdfast would have to start kelp again for the words. */
function requireProgram(name: string): void {
  if (name.includes("/") || (name !== "" && findProgram(name) !== undefined)) return;
  throw new CommandNotFoundError(
    "command-not-found",
    `cannot run ${JSON.stringify(name)}: executable file not found in $PATH`,
  );
}
