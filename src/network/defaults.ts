/** The network that is always there, and how networks are found. */
import { ConflictError, NotFoundError, nearHint } from "../base/index.ts";
import type { Context, NetworkRecord } from "../state/index.ts";

/** Name of the default network. */
export const DEFAULT_NETWORK = "kelp";
/** What podman calls its own; scripts name it. */
const ALIAS = "podman";

const BUILT_IN: NetworkRecord = {
  id: "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9",
  name: DEFAULT_NETWORK,
  created: 0,
  driver: "bridge",
  bridge: "kelp0",
  subnets: [{ subnet: "10.88.0.0/16", gateway: "10.88.0.1" }],
  ipv6: false,
  internal: false,
  dns: false,
  dnsServers: [],
  routes: [],
  labels: {},
  options: {},
};

/** The default network has no row: it cannot be changed or removed. */
export function defaultNetwork(): NetworkRecord {
  return BUILT_IN;
}

/** All, by name, the default one among them. */
export function listNetworks(ctx: Context): NetworkRecord[] {
  return [...ctx.state.networks.list(), BUILT_IN].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** By name or the beginning of an ID; undefined if there is none. */
export function findNetwork(ctx: Context, name: string): NetworkRecord | undefined {
  // No network made by a user has these names.
  if (name === DEFAULT_NETWORK || name === ALIAS) return BUILT_IN;
  const named = ctx.state.networks.byName(name);
  if (named !== undefined) return named;
  if (name === "") return undefined;
  const found = ctx.state.networks.byPrefix(name);
  if (/^[0-9a-f]+$/.test(name) && BUILT_IN.id.startsWith(name)) found.push(BUILT_IN);
  if (found.length > 1)
    throw new ConflictError("ambiguous-id", `more than one result for network ID ${name}`, {
      hint: "give more digits of the ID, or the name",
    });
  return found[0];
}

/** @throws {NotFoundError} `no-such-network`, with exit status 1 where `rm` asks for one. */
export function requireNetwork(ctx: Context, name: string, exitCode?: number): NetworkRecord {
  const found = findNetwork(ctx, name);
  if (found !== undefined) return found;
  throw new NotFoundError(
    "no-such-network",
    `unable to find network with name or ID ${name}: network not found`,
    {
      ...nearHint(
        name,
        listNetworks(ctx).map((network) => network.name),
        "`kelp network ls` lists the networks",
      ),
      ...(exitCode === undefined ? {} : { exitCode }),
    },
  );
}
