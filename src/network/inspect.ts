/** A network in the shape podman prints. */
import type { Context, NetworkRecord } from "../state/index.ts";
import { contains, parseAddress, requireSubnet } from "./address.ts";

/** The container's name, by ID, of those that are to be shown. */
export type MemberNames = ReadonlyMap<string, string>;

export function inspectNetwork(ctx: Context, network: NetworkRecord, members: MemberNames) {
  return {
    name: network.name,
    id: network.id,
    driver: network.driver,
    network_interface: network.bridge,
    created: new Date(network.created).toISOString(),
    subnets: network.subnets.map(({ subnet, gateway, range }) => ({
      subnet,
      ...(gateway === undefined ? {} : { gateway }),
      ...(range === undefined ? {} : { lease_range: { start_ip: range.start, end_ip: range.end } }),
    })),
    ...(network.routes.length === 0 ? {} : { routes: network.routes }),
    ipv6_enabled: network.ipv6,
    internal: network.internal,
    dns_enabled: network.dns,
    ...(network.dnsServers.length === 0 ? {} : { network_dns_servers: network.dnsServers }),
    ...(Object.keys(network.labels).length === 0 ? {} : { labels: network.labels }),
    ...(Object.keys(network.options).length === 0 ? {} : { options: network.options }),
    ipam_options: { driver: "host-local" },
    containers: Object.fromEntries(
      ctx.state.networks.endpointsOn(network.id).flatMap((endpoint) => {
        const name = members.get(endpoint.container);
        if (name === undefined) return [];
        const own = [endpoint.ip, endpoint.ip6].filter((address) => address !== undefined);
        const subnets = own.map((address) => ipNet(network, address));
        return [
          [
            endpoint.container,
            { name, interfaces: { [endpoint.interfaceName]: { subnets, mac_address: endpoint.mac } } },
          ],
        ];
      }),
    ),
  };
}

function ipNet(network: NetworkRecord, address: string) {
  const { subnet, gateway } = subnetOf(network, address);
  return {
    ipnet: `${address}/${requireSubnet(subnet).prefix}`,
    ...(gateway === undefined ? {} : { gateway }),
  };
}

/** The subnet of a network that an address is in. */
export function subnetOf(network: NetworkRecord, address: string) {
  const parsed = parseAddress(address)!;
  return network.subnets.find(({ subnet }) => contains(requireSubnet(subnet), parsed))!;
}
