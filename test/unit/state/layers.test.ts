import { afterEach, expect, test } from "bun:test";
import { image, openState, removeScratch } from "./support.ts";

afterEach(removeScratch);

const layer = (name: string, parent?: number) => ({
  diffId: `sha256:${name}`,
  chainId: `sha256:chain-${name}`,
  size: 10,
  ...(parent === undefined ? {} : { parent }),
});

test("layers are counted by the images that contain them, and removable only when none does", () => {
  const { images, layers } = openState();
  const base = layers.create(layer("base"));
  const top = layers.create(layer("top", base.row));
  const one = images.put(image({ layers: [base.row, top.row] }));
  const two = images.put(image({ layers: [base.row] }));
  expect(one.layers).toEqual([base.row, top.row]);
  expect([layers.references(base.row), layers.references(top.row)]).toEqual([2, 1]);
  expect(layers.remove(top.row)).toBe(false);

  images.remove(one.id);
  expect(layers.unused()).toEqual([top]);
  images.remove(two.id);
  expect(layers.unused()).toEqual([top, base]);
  expect(layers.remove(base.row)).toBe(false);
  expect(layers.remove(top.row)).toBe(true);
  expect(layers.remove(base.row)).toBe(true);
  expect(layers.list()).toEqual([]);
});

test("what a kept layer of a build stands on is in use", () => {
  const { buildCache, layers } = openState();
  const base = layers.create(layer("base"));
  const step = layers.create(layer("step", base.row));
  buildCache.put({ key: "k", layer: step.row, blobSize: 1, created: 1, used: 1, note: "RUN" });
  expect(layers.unused()).toEqual([]);
  buildCache.remove(["k"]);
  expect(layers.unused()).toEqual([step, base]);
});

test("a chain recorded twice is one layer, and the second is not published", () => {
  const { layers } = openState();
  const published: number[] = [];
  const first = layers.create(layer("a"), (row) => published.push(row));
  const second = layers.create(layer("a"), (row) => published.push(row));
  expect(second).toEqual(first);
  expect(published).toEqual([first.row]);
  expect(layers.byChainId("sha256:chain-a")).toEqual(first);
});

test("a layer that cannot be published is not recorded", () => {
  const { layers } = openState();
  expect(() =>
    layers.create(layer("a"), () => {
      throw new Error("rename failed");
    }),
  ).toThrow("rename failed");
  expect(layers.list()).toEqual([]);
});

test("a number whose directory a killed process left is passed over, for good", () => {
  const { layers } = openState();
  const tried: number[] = [];
  const made = layers.create(layer("a"), (row) => {
    tried.push(row);
    if (tried.length < 3) throw Object.assign(new Error("in the way"), { code: "ENOTEMPTY" });
  });
  expect(made.row).toBe(tried[2] as number);
  expect(new Set(tried).size).toBe(3);
  expect(layers.list()).toEqual([made]);
  expect(layers.create(layer("b")).row).toBeGreaterThan(made.row);
});

test("a row number is never given out twice", () => {
  const { layers } = openState();
  const first = layers.create(layer("a"));
  layers.remove(first.row);
  expect(layers.create(layer("b")).row).toBeGreaterThan(first.row);
});

test("a layer's blob is remembered and forgotten", () => {
  const { layers } = openState();
  const { row } = layers.create(layer("a"));
  layers.setBlob(row, "sha256:blob");
  expect(layers.get(row)?.blob).toBe("sha256:blob");
  layers.setBlob(row, undefined);
  expect(layers.get(row)).not.toHaveProperty("blob");
});
