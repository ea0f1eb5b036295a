/** Writes src/network/shared-filters.ts, the packet filters that never change, from src/network/filters.ts. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { addressBytes, parseAddress } from "../src/network/address.ts";
import { makeFallbackFilters, makeNameFilters, makeSharedFilters } from "../src/network/filters.ts";
import { UPLINK_DNS } from "../src/network/uplink.ts";

const LINE = 100;

function literal(filters: Uint8Array): string {
  const lines = Buffer.from(filters)
    .toString("base64")
    .match(new RegExp(`.{1,${LINE}}`, "g"));
  return (lines ?? []).map((line) => `  "${line}"`).join(" +\n");
}

writeFileSync(
  join(import.meta.dirname, "../src/network/shared-filters.ts"),
  `/**
 * Packet filters of filters.ts in base64, by \`npm run generate\`: starts of containers carry these messages, and making them
 * anew costs half a millisecond to a whole one.
 */

/** \`makeSharedFilters\` */
export const SHARED_FILTERS =
${literal(makeSharedFilters())};

/** \`makeFallbackFilters\` */
export const FALLBACK_FILTERS =
${literal(makeFallbackFilters())};

/** \`makeNameFilters\` for the uplink's name server */
export const NAME_FILTERS =
${literal(makeNameFilters(addressBytes(parseAddress(UPLINK_DNS)!)))};
`,
);
