import { manifestLists } from "../../../image/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { printJson } from "../../format.ts";
import { INSECURE_OPTION } from "../../options/manifest.ts";
import { AUTH_OPTIONS, accessOptions } from "../../options/registry.ts";

export default defineCommand({
  paths: [["manifest", "inspect"]],
  summary: "Show an index of the store, or what a registry has under a name",
  usage: "[options] LIST",
  examples: [
    ["kelp manifest inspect quay.io/libpod/alpine", "See the platforms of an image without pulling it"],
  ],
  options: {
    ...AUTH_OPTIONS,
    ...INSECURE_OPTION,
    verbose: { kind: "boolean", short: "v", hidden: true, text: "Has no effect; docker has it" },
  },
  args: { min: 1, max: 1, completes: "image" },
  exclusive: [["tls-verify", "insecure"]],
  async run({ args: [name = ""], options, given, io, globals }) {
    const ctx = await openContext(globals);
    const { inspectList } = await manifestLists();
    const access = {
      ...accessOptions(options, given),
      ...(given.has("insecure") ? { tlsVerify: !options.insecure } : {}),
    };
    io.out(printJson(await inspectList(ctx, name, access)));
    return 0;
  },
});
