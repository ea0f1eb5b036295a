import { checkAddress, checkMac, connectNetwork, resolveContainer } from "../../../container/index.ts";
import { requireNetwork } from "../../../network/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["network", "connect"]],
  summary: "Add a container to a network",
  usage: "[options] NETWORK CONTAINER",
  examples: [
    ["kelp network connect --alias cache web redis", "Put a container on a network, with a name there"],
  ],
  options: {
    alias: { kind: "list", comma: true, value: "NAME", text: "Further name of the container on the network" },
    ip: { kind: "string", value: "ADDRESS", text: "IPv4 address of the container" },
    ip6: { kind: "string", value: "ADDRESS", text: "IPv6 address of the container" },
    "mac-address": { kind: "string", value: "ADDRESS", text: "Hardware address of the container" },
  },
  args: { min: 2, max: 2, completes: { each: ["network", "container"] } },
  async run({ args, options, globals }) {
    const ctx = await openContext(globals);
    const network = requireNetwork(ctx, args[0]!);
    const record = resolveContainer(ctx, args[1]!);
    return connectNetwork(ctx, record, network, {
      name: network.name,
      aliases: options.alias,
      ...(options.ip === undefined ? {} : checkAddress(options.ip)),
      ...(options.ip6 === undefined ? {} : checkAddress(options.ip6)),
      ...(options["mac-address"] === undefined ? {} : { mac: checkMac(options["mac-address"]) }),
    });
  },
});
