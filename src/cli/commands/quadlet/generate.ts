import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { UsageError } from "../../../base/index.ts";
import { hostEnvironment } from "../../../config/index.ts";
import { resolvePaths } from "../../../host/index.ts";
import {
  findQuadlets,
  generateUnits,
  quadletDirectories,
  readQuadlets,
  writeGenerated,
} from "../../../systemd/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["quadlet", "generate"]],
  summary: "Write the units of all quadlets, as systemd's generators do",
  description:
    "systemd runs generators at boot and at every daemon-reload. An administrator who links kelp as /etc/systemd/user-generators/kelp-user-generator has the quadlets of every user translated without any of them calling kelp: under a name that ends with -generator, or as quadlet, kelp is this command. Places are searched as podman-systemd.unit(5) says, or those of QUADLET_UNIT_DIRS. A file that cannot be used is named on standard error and keeps no other from being used; the exit status is 1 then.",
  usage: "[options] [NORMAL-DIR [EARLY-DIR LATE-DIR]]",
  examples: [
    ["kelp quadlet generate --dryrun", "Print the units of this user's quadlets"],
    [
      "ln -s /usr/bin/kelp /etc/systemd/user-generators/kelp-user-generator",
      "Translate them for all users (as root)",
    ],
  ],
  options: {
    dryrun: {
      kind: "boolean",
      short: "n",
      aliases: ["dry-run"],
      text: "Print the units instead of writing them",
    },
    "no-kmsg-log": {
      kind: "boolean",
      hidden: true,
      text: "Has no effect; nothing is written to the kernel's log",
    },
    user: {
      kind: "boolean",
      default: true,
      text: "For the user's systemd; kelp is rootless and has no other",
    },
    verbose: { kind: "boolean", short: "v", text: "Name the files that are read" },
  },
  args: { min: 0, max: 3, completes: "dir" },
  run({ io, args, options, globals }) {
    const [directory] = args;
    if (directory === undefined && !options.dryrun)
      throw new UsageError("missing-argument", "missing output directory argument", {
        hint: "--dryrun prints the units",
      });
    const { QUADLET_UNIT_DIRS: only, XDG_RUNTIME_DIR: runtime } = hostEnvironment();
    const { config } = resolvePaths(globals);
    const found = findQuadlets(
      quadletDirectories({ only, config: dirname(config), runtime, uid: process.getuid!() }),
    );
    if (options.verbose) for (const path of found.files) io.err(`quadlet: reading ${path}\n`);
    const { quadlets, problems } = readQuadlets(found);
    const { units, problems: more } = generateUnits(quadlets, {
      command: process.execPath,
      user: true,
      exists: existsSync,
    });
    if (options.dryrun) io.out(units.map(({ name, text }) => `---${name}---\n${text}\n`).join(""));
    else writeGenerated(directory!, units);
    for (const { message } of [...problems, ...more]) io.err(`quadlet-generator: ${message}\n`);
    return problems.length + more.length === 0 ? 0 : 1;
  },
});
