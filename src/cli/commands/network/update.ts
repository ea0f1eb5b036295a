import { updateNetwork } from "../../../container/index.ts";
import { requireNetwork } from "../../../network/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["network", "update"]],
  summary: "Change the name servers of a network",
  description:
    "Containers on the network ask these servers for names outside of it; without any, the host's. Those that run follow at once.",
  usage: "[options] NETWORK",
  examples: [
    ["kelp network update --dns-drop 1.1.1.1 --dns-add 9.9.9.9 web", "Exchange one server for another"],
  ],
  options: {
    "dns-add": { kind: "list", comma: true, value: "IP", text: "Name server to add; may be repeated" },
    "dns-drop": { kind: "list", comma: true, value: "IP", text: "Name server to take away; may be repeated" },
  },
  args: { min: 1, max: 1, completes: "network" },
  async run({ args, options, globals }) {
    const ctx = await openContext(globals);
    const network = requireNetwork(ctx, args[0]!);
    updateNetwork(ctx, network, { add: options["dns-add"], drop: options["dns-drop"] });
    return 0;
  },
});
