/**
 * network: the networks of a user. Owns their records' meaning, addresses and leases, the packet filters between
 * them, the uplink's choice, and what a container's start has to make of all that.
 *
 * Must not know: containers beyond their ID, plans and operations, the command line.
 */
export { formatSubnet, parseAddress, parseMac, parseSubnet } from "./address.ts";
export { changeServers, createNetwork, type NewNetwork, writeNetworkEvent } from "./create.ts";
export { DEFAULT_NETWORK, defaultNetwork, findNetwork, listNetworks, requireNetwork } from "./defaults.ts";
export { removeNetworkFilters } from "./filters.ts";
export { inspectNetwork, type MemberNames, subnetOf } from "./inspect.ts";
export { type LeaseRequest, leaseEndpoint } from "./lease.ts";
export {
  findNameServer,
  NAMES_DOMAIN,
  type NameEntry,
  nameServersOf,
  writeNames,
} from "./name-server.ts";
export { checkOwnStack, isOwnStack, type OwnStack, planOwnStack } from "./own-stack.ts";
export { type Membership, peerName, planNetwork } from "./plan.ts";
export { forwardTarget } from "./ports.ts";
export { canServe, findUplink, UPLINK_DNS, type Uplink, uplinkNotice } from "./uplink.ts";
