/** Which address a container gets on a network. */
import { ConflictError, UsageError } from "../base/index.ts";
import type { Context, Endpoint, NetworkAttachment, NetworkRecord, NetworkSubnet } from "../state/index.ts";
import {
  type Address,
  addressBytes,
  contains,
  formatAddress,
  formatMac,
  hostRange,
  parseAddress,
  parseMac,
  requireSubnet,
} from "./address.ts";

export interface LeaseRequest {
  readonly container: string;
  readonly network: NetworkRecord;
  readonly attachment: NetworkAttachment;
  readonly interfaceName: string;
  /** Whether another container needs its addresses still; asked only about those in the way. */
  readonly alive: (container: string) => boolean;
}

/**
 * Gives the container its addresses on a network. What it had there last time it gets again if nobody has taken it
 * meanwhile. An address of a container that does not live is free; so none is ever lost. Call it in a transaction.
 *
 * @throws {ConflictError} if the address asked for is taken, or none is left
 */
export function leaseEndpoint(ctx: Context, request: LeaseRequest): Endpoint {
  const { network, container, attachment, interfaceName } = request;
  const before = ctx.state.networks.endpoint(network.id, container);
  const ip = leaseFamily(ctx, request, 4, before?.ip);
  const ip6 = leaseFamily(ctx, request, 6, before?.ip6);
  const endpoint: Endpoint = {
    network: network.id,
    container,
    interfaceName,
    mac: formatMac(attachment.mac === undefined ? macOf(ip ?? ip6) : parseMac(attachment.mac)!),
    ...(ip === undefined ? {} : { ip }),
    ...(ip6 === undefined ? {} : { ip6 }),
  };
  if (!same(before, endpoint)) ctx.state.networks.attach(endpoint);
  return endpoint;
}

function same(a: Endpoint | undefined, b: Endpoint): boolean {
  return (
    a !== undefined &&
    a.ip === b.ip &&
    a.ip6 === b.ip6 &&
    a.mac === b.mac &&
    a.interfaceName === b.interfaceName
  );
}

/**
 * The hardware address follows from the IP address, so that neighbours who remember an earlier owner of the IP
 * address find the new one at once.
 */
function macOf(ip: string | undefined): Uint8Array {
  const bytes = addressBytes(parseAddress(ip ?? "0.0.0.0")!);
  return Uint8Array.of(0x02, bytes.length === 4 ? 0x6b : 0x6c, ...bytes.slice(-4));
}

function leaseFamily(
  ctx: Context,
  request: LeaseRequest,
  family: 4 | 6,
  before: string | undefined,
): string | undefined {
  const { network, attachment } = request;
  const subnets = network.subnets.filter((entry) => requireSubnet(entry.subnet).family === family);
  const asked = family === 4 ? attachment.ip : attachment.ip6;
  if (asked !== undefined) return leaseAsked(ctx, request, subnets, asked);
  if (subnets.length === 0) return undefined;
  if (before !== undefined && ctx.state.networks.holderOf(network.id, before) === request.container)
    return before;
  for (const subnet of subnets) {
    const found = nextFree(ctx, request, subnet, family);
    if (found !== undefined) {
      ctx.state.networks.setCursor(network.id, family, found);
      return found;
    }
  }
  const [first, last] = rangeOf(subnets[0]!).map((value) => formatAddress({ family, value }));
  throw new ConflictError(
    "no-free-address",
    `IPAM error: failed to find free IP in range: ${first} - ${last}`,
    {
      hint: `All addresses of network ${network.name} are taken by running containers.`,
    },
  );
}

function leaseAsked(
  ctx: Context,
  { network, container, alive }: LeaseRequest,
  subnets: readonly NetworkSubnet[],
  asked: string,
): string {
  const address = parseAddress(asked);
  if (address === undefined)
    throw new UsageError("invalid-address", `invalid IP address ${JSON.stringify(asked)}`);
  if (!subnets.some(({ subnet }) => contains(requireSubnet(subnet), address)))
    throw new UsageError(
      "address-outside",
      `requested static ip ${asked} not in any subnet on network ${network.name}`,
    );
  const text = formatAddress(address);
  const holder = ctx.state.networks.holderOf(network.id, text);
  const gateway = subnets.some((subnet) => subnet.gateway === text);
  if (gateway || (holder !== undefined && holder !== container && alive(holder)))
    throw new ConflictError(
      "address-taken",
      `IPAM error: requested ip address ${text} is already allocated to ${gateway ? "the gateway" : `container ID ${holder}`}`,
    );
  return text;
}

function rangeOf({ subnet, range }: NetworkSubnet): [first: bigint, last: bigint] {
  const { first, last } = hostRange(requireSubnet(subnet));
  return range === undefined
    ? [first, last]
    : [parseAddress(range.start)!.value, parseAddress(range.end)!.value];
}

/** Goes round the range once, from behind the address given out last. */
function nextFree(
  ctx: Context,
  { network, container, alive }: LeaseRequest,
  subnet: NetworkSubnet,
  family: 4 | 6,
): string | undefined {
  const [first, last] = rangeOf(subnet);
  const cursor = parseAddress(ctx.state.networks.cursor(network.id, family) ?? "");
  const inside = cursor?.family === family && cursor.value >= first && cursor.value < last;
  const start = inside ? cursor.value + 1n : first;
  for (let value = start, n = first; n <= last; n++, value = value === last ? first : value + 1n) {
    const text = formatAddress({ family, value } satisfies Address);
    if (text === subnet.gateway) continue;
    const holder = ctx.state.networks.holderOf(network.id, text);
    if (holder === undefined || holder === container || !alive(holder)) return text;
  }
  return undefined;
}
