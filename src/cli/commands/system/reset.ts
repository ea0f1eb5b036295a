import { openContext } from "../../../state/index.ts";
import { resetStore } from "../../../system/index.ts";
import { agreedTo } from "../../ask.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["system", "reset"]],
  summary: "Remove all containers, images, volumes and networks",
  description: "Running containers are killed. Configuration files and logins stay.",
  usage: "[options]",
  options: { force: { kind: "boolean", short: "f", text: "Do not ask" } },
  args: { min: 0, max: 0 },
  async run({ options, io, globals }) {
    const ctx = await openContext(globals);
    const warning = `WARNING! This will remove:
        - all containers
        - all images
        - all networks
        - all volumes
        - the directory ${JSON.stringify(ctx.paths.data)}
`;
    if (!options.force && !(await agreedTo(io, warning))) return 0;
    await resetStore(ctx);
    return 0;
  },
});
