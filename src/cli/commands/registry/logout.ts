import { RegistryError, UsageError } from "../../../base/index.ts";
import { findCredentials, removeAllCredentials, removeCredentials } from "../../../registry/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { authOptions, LOGIN_FILE_OPTIONS, namedRegistry, settingsOnly } from "../../options/login.ts";

export default defineCommand({
  paths: [["logout"]],
  summary: "Log out of a registry",
  usage: "[options] [REGISTRY]",
  examples: [["kelp logout quay.io", "Forget the credentials for quay.io"]],
  options: {
    all: { kind: "boolean", short: "a", text: "Forget the credentials of every registry" },
    ...LOGIN_FILE_OPTIONS,
  },
  args: { min: 0, max: 1, completes: "none" },
  async run({ args, options, io, globals }) {
    const ctx = await openContext(settingsOnly(globals));
    const files = authOptions(ctx, options, globals);
    if (options.all) {
      if (args.length > 0) throw new UsageError("arguments-conflict", "--all takes no arguments");
      removeAllCredentials(files);
      io.out("Removed login credentials for all registries\n");
      return 0;
    }
    const { key } = await namedRegistry(ctx, args[0]);
    if (await removeCredentials(files, key)) {
      io.out(`Removed login credentials for ${key}\n`);
      return 0;
    }
    if ((await findCredentials(files, key)) === undefined)
      throw new RegistryError("not-logged-in", `not logged into ${key}`);
    io.out(
      `Not logged into ${key} with current tool. Existing credentials were established via docker login. Please use docker logout instead.\n`,
    );
    return 0;
  },
});
