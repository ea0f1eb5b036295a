import { expect, test } from "bun:test";
import { makeFallbackFilters, makeNameFilters, makeSharedFilters } from "../../../src/network/filters.ts";
import { FALLBACK_FILTERS, NAME_FILTERS, SHARED_FILTERS } from "../../../src/network/shared-filters.ts";

test("the filters that starts carry are those that filters.ts describes (else: npm run generate)", () => {
  expect(SHARED_FILTERS).toBe(Buffer.from(makeSharedFilters()).toString("base64"));
  expect(FALLBACK_FILTERS).toBe(Buffer.from(makeFallbackFilters()).toString("base64"));
  expect(NAME_FILTERS).toBe(Buffer.from(makeNameFilters(Uint8Array.of(10, 0, 2, 3))).toString("base64"));
});
