import { expect, test } from "bun:test";
import { makeSharedFilters } from "../../../src/network/filters.ts";
import { SHARED_FILTERS } from "../../../src/network/shared-filters.ts";

test("the filters that every start carries are those that filters.ts describes (else: npm run generate)", () => {
  expect(SHARED_FILTERS).toBe(Buffer.from(makeSharedFilters()).toString("base64"));
});
