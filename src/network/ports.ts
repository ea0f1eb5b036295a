/** Published ports: which listener leads to which of a container's addresses. Pure. */
import type { PortMapping, PublishPlan } from "../state/index.ts";
import { type Address, addressBytes, parseAddress, parseSubnet } from "./address.ts";
import { subnetOf } from "./inspect.ts";
import type { Membership } from "./plan.ts";

interface Target {
  readonly address: Address;
  readonly prefix: number;
}

/** Without an address a port is published everywhere, for both families; a listener prefers its own family inside. */
export function planPorts(ports: readonly PortMapping[], members: readonly Membership[]): PublishPlan[] {
  const targets = members.flatMap(({ network, endpoint }) =>
    [endpoint.ip, endpoint.ip6].flatMap((text): Target[] => {
      const address = text === undefined ? undefined : parseAddress(text);
      if (text === undefined || address === undefined) return [];
      return [{ address, prefix: parseSubnet(subnetOf(network, text).subnet)!.prefix }];
    }),
  );
  return ports.flatMap((port) => {
    const wildcard = port.hostIp === "";
    return (wildcard ? ["0.0.0.0", "::"] : [port.hostIp]).flatMap((text) => {
      const address = parseAddress(text)!;
      const target = targets.find((other) => other.address.family === address.family) ?? targets[0];
      if (target === undefined || port.protocol === "sctp") return [];
      return [
        {
          protocol: port.protocol,
          address: addressBytes(address),
          port: port.hostPort,
          count: port.range,
          target: addressBytes(target.address),
          targetPort: port.containerPort,
          prefix: target.prefix,
          optional: wildcard && address.family === 6,
        },
      ];
    });
  });
}

/** Where published ports lead by IPv4; 0.0.0.0: nowhere. */
export function forwardTarget(members: readonly Membership[]): { address: Uint8Array; prefix: number } {
  const first = members.find(({ endpoint }) => endpoint.ip !== undefined);
  const ip = first?.endpoint.ip;
  if (first === undefined || ip === undefined) return { address: new Uint8Array(4), prefix: 32 };
  return {
    address: addressBytes(parseAddress(ip)!),
    prefix: parseSubnet(subnetOf(first.network, ip).subnet)!.prefix,
  };
}
