import { cloneContainer, prepareStart, resolveContainer, resourceLimits } from "../../../container/index.ts";
import { openContext } from "../../../state/index.ts";
import { clientConfig, DETACHED, handOver } from "../../attach.ts";
import { defineCommand } from "../../command.ts";
import { CHANGEABLE_LIMITS } from "../../options/change-limits.ts";

export default defineCommand({
  paths: [["container", "clone"]],
  summary: "Create a copy of a container",
  description:
    "The copy has the same configuration and named volumes, and none of the original's changes to its files, unnamed volumes, fixed addresses and pid files. Published ports are the same: only one of both can run with them.",
  usage: "[options] CONTAINER [NAME] [IMAGE]",
  examples: [
    ["kelp container clone --memory 1g web", "A copy named web-clone with another limit"],
    ["kelp container clone --destroy --run web web2 web:2", "Replace a container by one of a newer image"],
  ],
  options: {
    ...CHANGEABLE_LIMITS,
    destroy: { kind: "boolean", text: "Remove the original" },
    force: { kind: "boolean", short: "f", text: "Remove it even if it runs; needs --destroy" },
    name: { kind: "string", value: "NAME", text: "Name of the copy (default: the original's with -clone)" },
    run: { kind: "boolean", text: "Start the copy" },
  },
  args: { min: 1, max: 3, completes: { each: ["container", "none", "image"] } },
  async run({ io, args, options, given, argv, globals }) {
    const [original = "", name, image] = args;
    const ctx = await openContext(globals);
    const record = await cloneContainer(ctx, resolveContainer(ctx, original), {
      name: options.name ?? name,
      image,
      resources: resourceLimits(options, given),
      destroy: options.destroy,
      force: options.force,
      argv,
    });
    if (!options.run) {
      io.out(`${record.id}\n`);
      return 0;
    }
    const client = clientConfig(ctx, {
      streams: DETACHED,
      detachKeys: "",
      sigProxy: false,
      announce: globals.noout ? "" : `${record.id}\n`,
    });
    const prepared = await prepareStart(ctx, record, { client, mode: "start" });
    ctx.state.close();
    return handOver(globals, "start", prepared);
  },
});
