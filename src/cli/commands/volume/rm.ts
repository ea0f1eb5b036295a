import { KelpError, NotFoundError, UsageError } from "../../../base/index.ts";
import { removeVolume, sweepEnded, volumeByName } from "../../../container/index.ts";
import { type Context, openContext } from "../../../state/index.ts";
import { defineCommand, type Io } from "../../command.ts";
import { reportFailure } from "../../exit.ts";

export default defineCommand({
  paths: [
    ["volume", "rm"],
    ["volume", "remove"],
  ],
  summary: "Remove one or more volumes",
  usage: "[options] VOLUME [VOLUME...]",
  options: {
    all: { kind: "boolean", short: "a", text: "All volumes" },
    force: {
      kind: "boolean",
      short: "f",
      text: "Remove the containers that use it too; missing ones are no error",
    },
    time: {
      kind: "int",
      short: "t",
      value: "SECONDS",
      text: "With --force, time before a container is killed",
    },
  },
  args: { min: 1, checked: true, completes: "volume" },
  async run({ io, args, options, globals }) {
    if (options.all === args.length > 0)
      throw new UsageError("conflicting-flags", "choose either one or more volumes or all");
    const ctx = await openContext(globals);
    await sweepEnded(ctx);
    const names = options.all ? ctx.state.volumes.list().map((volume) => volume.name) : args;
    let status = 0;
    for (const name of names) {
      const code = await removeOne(ctx, io, name, options);
      status = status === 0 || status === 1 ? code || status : status;
    }
    return status;
  },
});

async function removeOne(
  ctx: Context,
  io: Io,
  name: string,
  options: { readonly force: boolean; readonly time: number | undefined },
): Promise<number> {
  try {
    const volume = volumeByName(ctx, name);
    await removeVolume(ctx, volume, { force: options.force, timeout: options.time });
    io.out(`${volume.name}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof KelpError)) throw error;
    return options.force && error instanceof NotFoundError ? 0 : reportFailure(error, io, false);
  }
}
