import { hostEnvironment } from "../../../config/index.ts";
import { createContainer } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { fetcher } from "../../fetcher.ts";
import { CREATE_OPTIONS } from "../../options/create.ts";

export default defineCommand({
  paths: [["create"], ["container", "create"]],
  summary: "Create but do not start a container",
  usage: "[options] IMAGE [COMMAND [ARG...]]",
  examples: [["kelp create --name web IMAGE", "Make a container to be started later"]],
  options: CREATE_OPTIONS,
  args: { min: 1, options: "after-first", completes: { each: ["image", "path-in-image"] } },
  async run({ io, args, options, given, argv, globals }) {
    const ctx = await openContext(globals);
    const [image = "", ...command] = args;
    const { record, warnings } = await createContainer(ctx, {
      image,
      command,
      options,
      given,
      argv,
      environment: hostEnvironment(),
      cwd: process.cwd(),
      fetch: fetcher(ctx, io, options, given),
    });
    for (const warning of warnings) io.err(`${warning}\n`);
    io.out(`${record.id}\n`);
    return 0;
  },
});
