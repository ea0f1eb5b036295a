import { afterEach, expect, test } from "bun:test";
import { openState, removeScratch } from "./support.ts";

afterEach(removeScratch);

const volume = (name: string) => ({
  name,
  created: 7,
  driver: "local",
  labels: { a: "b" },
  options: {},
  anonymous: false,
  mountpoint: `/v/${name}/_data`,
});

test("volumes are kept by unique name and listed by it", () => {
  const { volumes } = openState();
  volumes.create(volume("b"));
  volumes.create(volume("a"));
  expect(volumes.get("a")).toEqual(volume("a"));
  expect(volumes.list().map((one) => one.name)).toEqual(["a", "b"]);
  expect(() => volumes.create(volume("a"))).toThrow("volume with name a already exists");
  expect(volumes.remove("a")).toBe(true);
  expect(volumes.remove("a")).toBe(false);
});
