/** Writes src/network/shared-filters.ts, the packet filters that never change, from src/network/filters.ts. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeSharedFilters } from "../src/network/filters.ts";

const LINE = 100;
const text = Buffer.from(makeSharedFilters()).toString("base64");
const lines = text.match(new RegExp(`.{1,${LINE}}`, "g")) ?? [];

writeFileSync(
  join(import.meta.dirname, "../src/network/shared-filters.ts"),
  `/**
 * \`makeSharedFilters\` (filters.ts) in base64, by \`npm run generate\`: every start of a container carries these messages,
 * and making them anew costs it half a millisecond to a whole one.
 */
export const SHARED_FILTERS =
${lines.map((line) => `  "${line}"`).join(" +\n")};
`,
);
