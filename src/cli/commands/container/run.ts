import { log, UsageError } from "../../../base/index.ts";
import { hostEnvironment } from "../../../config/index.ts";
import { createContainer, prepareStart, sweepEnded } from "../../../container/index.ts";
import { runPlan } from "../../../runtime/index.ts";
import { type Context, openContext } from "../../../state/index.ts";
import { chooseStreams, clientConfig, handOver, terminalSize } from "../../attach.ts";
import { defineCommand } from "../../command.ts";
import { fetcher } from "../../fetcher.ts";
import { RUN_OPTIONS } from "../../options/create.ts";
import { preservedFds } from "../../preserve-fds.ts";

export default defineCommand({
  paths: [["run"], ["container", "run"]],
  summary: "Run a command in a new container",
  usage: "[options] IMAGE [COMMAND [ARG...]]",
  examples: [
    ["kelp run --rm -it IMAGE sh", "Work in a shell and leave nothing behind"],
    ["kelp run -d --name web IMAGE", "Start a service and return"],
  ],
  options: RUN_OPTIONS,
  args: { min: 1, options: "after-first", completes: { each: ["image", "path-in-image"] } },
  async run({ io, args, options, given, argv, globals }) {
    const preserveFds = preservedFds(options);
    const ctx = await openContext(globals);
    const [image = "", ...command] = args;
    const streams = chooseStreams(options);
    if (options.tty && options.interactive && !options.detach && !io.stdinIsTty) {
      log.warn("The input device is not a TTY. The --tty and --interactive flags might not work properly");
    }
    if (options["log-driver"] === "passthrough" && (io.stdinIsTty || io.stdoutIsTty || io.stderrIsTty)) {
      throw new UsageError(
        "passthrough-tty",
        "the '--log-driver passthrough' option cannot be used on a TTY",
        {
          hint: "Use --log-driver passthrough-tty if the container may have your terminal.",
        },
      );
    }
    const request = {
      image,
      command,
      options,
      given,
      argv,
      environment: hostEnvironment(),
      cwd: process.cwd(),
      fetch: fetcher(ctx, io, options, given),
      starts: true,
    };
    if (options.explain) {
      const [{ explainRequest }, { printExplained }] = await Promise.all([
        import("../../../container/index.ts"),
        import("../../explained.ts"),
      ]);
      printExplained(io, await explainRequest(ctx, request));
      return 0;
    }
    const created = await createContainer(ctx, request);
    for (const warning of created.warnings) io.err(`${warning}\n`);
    const { record } = created;
    const client = clientConfig(ctx, {
      streams,
      detachKeys: options["detach-keys"],
      sigProxy: options["sig-proxy"],
      announce: globals.noout ? "" : `${record.id}\n`,
    });
    return orRemove(ctx, record.id, async () => {
      const prepared = await prepareStart(ctx, record, {
        client,
        mode: "run",
        preserveFds,
        consoleSize: options.tty ? terminalSize() : undefined,
      });
      if (options.rmi && client.attach) {
        const status = await runPlan(prepared.holdfast, "start", prepared.planPath, prepared.keepFds);
        await sweepEnded(ctx);
        const { removeUnusedImage } = await import("../../../container/index.ts");
        await removeUnusedImage(ctx, record.config.image);
        return status;
      }
      ctx.state.close();
      return handOver(globals, "start", prepared);
    });
  },
});

/** A container that could not even be handed to holdfast leaves nothing if it was made with --rm. */
async function orRemove(ctx: Context, id: string, start: () => Promise<number>): Promise<number> {
  try {
    return await start();
  } catch (error) {
    const record = ctx.state.containers.get(id);
    if (record?.config.autoRemove === true) {
      const { removeContainer } = await import("../../../container/index.ts");
      await removeContainer(ctx, record, { force: true });
    }
    throw error;
  }
}
