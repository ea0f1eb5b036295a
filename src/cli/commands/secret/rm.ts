import { KelpError, NotFoundError, UsageError } from "../../../base/index.ts";
import { findSecret } from "../../../secret/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { reportFailure } from "../../exit.ts";

export default defineCommand({
  paths: [
    ["secret", "rm"],
    ["secret", "remove"],
  ],
  summary: "Remove one or more secrets",
  description: "Containers that run keep what they were given; they do not start again without the secret.",
  usage: "[options] SECRET [SECRET...]",
  options: {
    all: { kind: "boolean", short: "a", text: "All secrets" },
    ignore: { kind: "boolean", short: "i", text: "Pass over secrets that do not exist" },
  },
  args: { min: 1, checked: true, completes: "secret" },
  async run({ io, args, options, globals }) {
    if (options.all === args.length > 0)
      throw new UsageError("conflicting-flags", "secret rm requires a secret, or --all");
    const ctx = await openContext(globals);
    const words = options.all ? ctx.state.secrets.list().map(({ id }) => id) : args;
    let status = 0;
    for (const word of words) {
      try {
        const { id } = findSecret(ctx, word);
        ctx.state.secrets.remove(id);
        io.out(`${id}\n`);
      } catch (error) {
        if (!(error instanceof KelpError)) throw error;
        if (!(options.ignore && error instanceof NotFoundError)) status = reportFailure(error, io, false);
      }
    }
    return status;
  },
});
