import { KelpError, NotFoundError } from "../../../base/index.ts";
import { removeNetwork } from "../../../container/index.ts";
import { requireNetwork } from "../../../network/index.ts";
import { type Context, openContext } from "../../../state/index.ts";
import { defineCommand, type Io } from "../../command.ts";
import { reportFailure } from "../../exit.ts";

export default defineCommand({
  paths: [
    ["network", "rm"],
    ["network", "remove"],
  ],
  summary: "Remove networks",
  usage: "[options] NETWORK [NETWORK...]",
  options: {
    force: {
      kind: "boolean",
      short: "f",
      text: "Remove the containers on it too; missing ones are no error",
    },
    time: {
      kind: "int",
      short: "t",
      value: "SECONDS",
      text: "With --force, time before a container is killed",
    },
  },
  args: { min: 1, completes: "network" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    let status = 0;
    for (const name of args) {
      const code = await removeOne(ctx, io, name, { ...options, silent: globals.noout });
      status = status === 0 || status === 1 ? code || status : status;
    }
    return status;
  },
});

async function removeOne(
  ctx: Context,
  io: Io,
  name: string,
  options: { readonly force: boolean; readonly time: number | undefined; readonly silent: boolean },
): Promise<number> {
  try {
    const network = requireNetwork(ctx, name, 1);
    await removeNetwork(ctx, network, { force: options.force, timeout: options.time }, name);
    if (!options.silent) io.out(`${name}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof KelpError)) throw error;
    return options.force && error instanceof NotFoundError ? 0 : reportFailure(error, io, false);
  }
}
