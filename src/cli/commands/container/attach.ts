import { ConflictError } from "../../../base/index.ts";
import { isRunning, resolveContainer, socketPath, viewOf } from "../../../container/index.ts";
import { holdfastPath } from "../../../runtime/index.ts";
import { openContext, writeContainerEvent } from "../../../state/index.ts";
import { attachTo, clientConfig } from "../../attach.ts";
import { defineCommand } from "../../command.ts";
import { chooseContainers } from "../../containers.ts";
import { LATEST_OPTION } from "../../options/listing.ts";

export default defineCommand({
  paths: [["attach"], ["container", "attach"]],
  summary: "Attach to a running container",
  usage: "[options] CONTAINER",
  examples: [["kelp attach web", "See a container's output; ctrl-p ctrl-q leaves it"]],
  options: {
    ...LATEST_OPTION,
    "detach-keys": {
      kind: "string",
      value: "KEYS",
      text: "Keys that leave the container running; empty for none",
    },
    "no-stdin": { kind: "boolean", text: "Do not attach standard input" },
    "sig-proxy": { kind: "boolean", default: true, text: "Pass signals on to the container" },
  },
  args: { min: 1, max: 1, checked: true, completes: "running" },
  async run({ args, options, globals }) {
    const ctx = await openContext(globals);
    const record = options.latest
      ? chooseContainers(ctx, args, { latest: true }).targets[0]!.record
      : resolveContainer(ctx, args[0] ?? "");
    if (!isRunning(viewOf(ctx, record).status)) {
      throw new ConflictError("not-running", "you can only attach to running containers");
    }
    const client = clientConfig(ctx, {
      streams: { stdin: !options["no-stdin"] && record.config.openStdin, stdout: true, stderr: true },
      detachKeys: options["detach-keys"],
      sigProxy: options["sig-proxy"],
      announce: "",
    });
    writeContainerEvent(ctx, "attach", record);
    return attachTo(holdfastPath(ctx.paths), socketPath(ctx, record.id), client);
  },
});
