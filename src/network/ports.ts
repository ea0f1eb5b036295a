/** Published ports: which listener leads to which of a container's addresses. Pure. */
import type { PortMapping, PublishPlan } from "../state/index.ts";
import { type Address, addressBytes, parseAddress, parseSubnet } from "./address.ts";
import { subnetOf } from "./inspect.ts";
import type { Membership } from "./plan.ts";

interface Target {
  readonly address: Address;
  readonly prefix: number;
}

/** A listener prefers its own family inside. */
export function planPorts(ports: readonly PortMapping[], members: readonly Membership[]): PublishPlan[] {
  const targets = members.flatMap(({ network, endpoint }) =>
    [endpoint.ip, endpoint.ip6].flatMap((text): Target[] => {
      const address = text === undefined ? undefined : parseAddress(text);
      if (text === undefined || address === undefined) return [];
      return [{ address, prefix: parseSubnet(subnetOf(network, text).subnet)!.prefix }];
    }),
  );
  return listenersOf(ports).flatMap((listener) => {
    const six = listener.address.length === 16;
    const target = targets.find(({ address }) => (address.family === 6) === six) ?? targets[0];
    if (target === undefined) return [];
    return [{ ...listener, target: addressBytes(target.address), prefix: target.prefix }];
  });
}

/** What is listened at; without an address everywhere, by both families. */
export function listenersOf(ports: readonly PortMapping[]): Omit<PublishPlan, "target" | "prefix">[] {
  return ports.flatMap(({ hostIp, hostPort, containerPort, protocol, range }) => {
    if (protocol === "sctp") return [];
    const wildcard = hostIp === "";
    return (wildcard ? ["0.0.0.0", "::"] : [hostIp]).map((text) => {
      const address = parseAddress(text)!;
      return {
        protocol,
        address: addressBytes(address),
        port: hostPort,
        count: range,
        targetPort: containerPort,
        optional: wildcard && address.family === 6,
      };
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
