/** `--filter` of the network commands. */
import { usingNetwork } from "../container/index.ts";
import type { Context, NetworkRecord } from "../state/index.ts";
import { booleanFilter, compileFilters, labelFilters, patternFilter, untilFilter } from "./filters.ts";

export function networkPredicate(
  ctx: Context,
  filters: readonly string[],
): (network: NetworkRecord) => boolean {
  return compileFilters<NetworkRecord>(filters, {
    ...labelFilters<NetworkRecord>((network) => network.labels),
    name: patternFilter<NetworkRecord>((network) => [network.name]),
    id: { test: (value) => (network) => network.id.startsWith(value) },
    driver: { test: (value) => (network) => network.driver === value },
    dangling: booleanFilter<NetworkRecord>((network) => usingNetwork(ctx, network).length === 0),
    until: untilFilter<NetworkRecord>((network) => network.created, Date.now()),
  });
}
