import { createNetwork, findNetwork } from "../../../network/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";

export default defineCommand({
  paths: [["network", "create"]],
  summary: "Create networks for containers",
  description:
    "A network is a bridge with a subnet in your own network namespace. Containers on it find one another by name.",
  usage: "[options] [NAME]",
  examples: [
    ["kelp network create web", "Make a network with a free subnet"],
    ["kelp network create --subnet 10.7.0.0/24 --internal db", "Make one that reaches nothing outside"],
  ],
  options: {
    "disable-dns": { kind: "boolean", text: "Do not give containers one another's names" },
    dns: { kind: "list", comma: true, value: "IP", text: "Name server of containers on the network" },
    driver: {
      kind: "string",
      short: "d",
      value: "DRIVER",
      default: "bridge",
      text: "Kind of network: bridge",
    },
    gateway: { kind: "list", comma: true, value: "IP", text: "Address of the bridge, one for each subnet" },
    ignore: { kind: "boolean", text: "Do not fail if the network exists" },
    "interface-name": {
      kind: "string",
      value: "NAME",
      text: "Name of the bridge's interface",
      completes: "interface",
    },
    internal: { kind: "boolean", text: "Reach nothing outside of the network" },
    "ip-range": {
      kind: "list",
      comma: true,
      value: "RANGE",
      text: "Addresses to give out, as a subnet or FIRST-LAST, one for each subnet",
    },
    "ipam-driver": {
      kind: "string",
      value: "DRIVER",
      default: "",
      text: "Who gives out addresses: host-local",
    },
    ipv6: { kind: "boolean", text: "Have an IPv6 subnet as well" },
    label: { kind: "map", value: "KEY=VALUE", text: "Label of the network" },
    opt: {
      kind: "map",
      short: "o",
      value: "KEY=VALUE",
      text: "Option of the bridge: mtu, isolate, no_default_route, metric",
    },
    route: {
      kind: "list",
      value: "SUBNET,GATEWAY[,METRIC]",
      text: "Route of every container on the network",
    },
    subnet: { kind: "list", comma: true, value: "SUBNET", text: "Subnet, as 10.7.0.0/24; may be repeated" },
  },
  args: { min: 0, max: 1, completes: "none" },
  async run({ io, args, options, globals }) {
    const ctx = await openContext(globals);
    const found = options.ignore && args[0] !== undefined ? findNetwork(ctx, args[0]) : undefined;
    const network =
      found ??
      createNetwork(ctx, {
        name: args[0],
        driver: options.driver,
        subnets: options.subnet,
        gateways: options.gateway,
        ranges: options["ip-range"],
        ipv6: options.ipv6,
        internal: options.internal,
        disableDns: options["disable-dns"],
        dnsServers: options.dns,
        routes: options.route,
        bridge: options["interface-name"],
        ipamDriver: options["ipam-driver"],
        labels: options.label,
        options: options.opt,
      });
    if (!globals.noout) io.out(`${network.name}\n`);
    return 0;
  },
});
