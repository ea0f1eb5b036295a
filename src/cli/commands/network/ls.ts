import { inspectNetworkMembers } from "../../../container/index.ts";
import { listNetworks } from "../../../network/index.ts";
import { openContext } from "../../../state/index.ts";
import { defineCommand } from "../../command.ts";
import { printFormatted } from "../../format.ts";
import { networkPredicate } from "../../network-filters.ts";
import {
  FORMAT_OPTION,
  filterOn,
  HEADING_OPTION,
  NO_TRUNC_OPTION,
  QUIET_OPTION,
} from "../../options/listing.ts";

const ID_WIDTH = 12;

export default defineCommand({
  paths: [
    ["network", "ls"],
    ["network", "list"],
  ],
  summary: "List networks",
  usage: "[options]",
  options: {
    ...filterOn("networks"),
    ...FORMAT_OPTION,
    ...HEADING_OPTION,
    ...NO_TRUNC_OPTION,
    ...QUIET_OPTION,
  },
  args: { min: 0, max: 0 },
  async run({ io, options, globals }) {
    const ctx = await openContext(globals);
    const networks = listNetworks(ctx).filter(networkPredicate(ctx, options.filter));
    const rows = networks.map((network) => ({
      ID: options["no-trunc"] ? network.id : network.id.slice(0, ID_WIDTH),
      Name: network.name,
      Driver: network.driver,
      NetworkInterface: network.bridge,
      Created: new Date(network.created),
      Subnets: network.subnets.map(({ subnet, gateway }) => ({ Subnet: subnet, Gateway: gateway ?? "" })),
      Internal: network.internal,
      IPv6Enabled: network.ipv6,
      DNSEnabled: network.dns,
      Options: network.options,
      Labels: Object.entries(network.labels)
        .map(([key, value]) => `${key}=${value}`)
        .join(","),
    }));
    await printFormatted(io, rows, {
      name: "network ls",
      format: options.format,
      columns: ["ID", "Name", "Driver"],
      headings: { ID: "NETWORK ID" },
      noHeading: options.noheading,
      quiet: options.quiet ? "Name" : false,
      json: ({ Name }) => {
        const { containers: _, ...plain } = inspectNetworkMembers(
          ctx,
          networks.find((network) => network.name === Name)!,
        );
        return plain;
      },
    });
    return 0;
  },
});
