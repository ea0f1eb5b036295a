import { NotFoundError } from "../../../base/index.ts";
import { hostEnvironment } from "../../../config/index.ts";
import { containerSpec, imageSpec, resolveContainer } from "../../../container/index.ts";
import { type Context, openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["container", "spec"]],
  summary: "Print the config.json by which an OCI runtime would run a container or image",
  description:
    "The file expects the root filesystem in the directory rootfs beside it. It is for a runtime inside your user namespace: kelp unshare crun run NAME. Secrets are not in it.",
  usage: "CONTAINER|IMAGE",
  examples: [
    ["kelp container spec web > config.json", "Make the bundle of a container"],
    ["kelp export web | tar -x -C rootfs", "and its files"],
  ],
  options: {},
  args: { min: 1, max: 1, completes: { each: ["container", "image"] } },
  async run({ io, args: [name = ""], argv, globals }) {
    const ctx = await openContext(globals);
    io.out(await specOf(ctx, name, argv));
    return 0;
  },
});

async function specOf(ctx: Context, name: string, argv: readonly string[]): Promise<string> {
  try {
    return containerSpec(ctx, resolveContainer(ctx, name));
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    const request = { command: [], options: {}, given: new Set<string>(), argv, cwd: process.cwd() };
    return imageSpec(ctx, { ...request, image: name, environment: hostEnvironment() });
  }
}
