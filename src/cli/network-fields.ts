/** What templates of `network inspect` name: Go's fields, where JSON has its own spelling. */
import type { inspectNetworkMembers } from "../container/index.ts";
import { goMap } from "./template/values.ts";

type Inspected = ReturnType<typeof inspectNetworkMembers>;

export function networkFields(network: Inspected) {
  return {
    Name: network.name,
    ID: network.id,
    Driver: network.driver,
    NetworkInterface: network.network_interface,
    Created: network.created,
    Subnets: network.subnets.map(({ subnet, gateway, lease_range }) => ({
      Subnet: subnet,
      Gateway: gateway ?? "",
      LeaseRange:
        lease_range === undefined ? null : { StartIP: lease_range.start_ip, EndIP: lease_range.end_ip },
    })),
    Routes: network.routes ?? [],
    IPv6Enabled: network.ipv6_enabled,
    Internal: network.internal,
    DNSEnabled: network.dns_enabled,
    NetworkDNSServers: network.network_dns_servers ?? [],
    Labels: goMap({ ...network.labels }),
    Options: goMap({ ...network.options }),
    IPAMOptions: network.ipam_options,
    Containers: goMap(network.containers),
  };
}
