import { NotFoundError } from "../../../base/index.ts";
import { findSecret } from "../../../secret/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["secret", "exists"]],
  summary: "Check if a secret exists",
  description: "Exits with 0 if it does, with 1 if it does not, and prints nothing.",
  usage: "SECRET",
  options: {},
  args: { min: 1, max: 1, completes: "secret" },
  async run({ args, globals }) {
    try {
      findSecret(await openContext(globals), args[0]!);
      return 0;
    } catch (error) {
      if (error instanceof NotFoundError) return 1;
      throw error;
    }
  },
});
