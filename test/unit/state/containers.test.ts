import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { goneDir } from "../../../src/host/index.ts";
import { newId } from "../../../src/state/index.ts";
import { config, openState, pathsIn, removeScratch, scratch } from "./support.ts";

afterEach(removeScratch);

test("a container is found by id, name and unique prefix", () => {
  const { containers } = openState();
  const made = containers.create({ id: newId(), name: "web", config: config() });
  for (const word of [made.id, "web", made.id.slice(0, 12), made.id.slice(0, 1)]) {
    expect(containers.resolve(word)).toEqual(made);
  }
});

test("a taken name is refused and says who has it", () => {
  const { containers } = openState();
  const holder = containers.create({ id: newId(), name: "web", config: config() });
  expect(() => containers.create({ id: newId(), name: "web", config: config() })).toThrow(
    `the container name "web" is already in use by ${holder.id}. You have to remove that container to be able to reuse that name: that name is already in use`,
  );
  expect(containers.list()).toHaveLength(1);
});

test("a prefix of several ids is refused, a name like it wins", () => {
  const { containers } = openState();
  containers.create({ id: `ab${newId().slice(2)}`, name: "one", config: config() });
  containers.create({ id: `ab${newId().slice(2)}`, name: "two", config: config() });
  expect(() => containers.resolve("ab")).toThrow('more than one result container "ab"');
  const named = containers.create({ id: newId(), name: "ab", config: config() });
  expect(containers.resolve("ab")).toEqual(named);
});

test("an unknown word is refused in podman's words", () => {
  const { containers } = openState();
  for (const word of ["nope", "0f", "ABC", "%", ""]) {
    expect(() => containers.resolve(word)).toThrow(
      `no container with name or ID "${word}" found: no such container`,
    );
  }
});

test("containers without a name get distinct ones", () => {
  const { containers } = openState();
  for (let i = 0; i < 300; i++) containers.create({ id: newId(), config: config({ autoRemove: true }) });
  const names = new Set(containers.list().map((container) => container.name));
  expect(names.size).toBe(300);
  for (const name of names) expect(name).toMatch(/^[a-z]+_[a-z]+\d*$/);
});

test("containers are listed oldest first", () => {
  const { containers } = openState();
  const ids = [newId(), newId(), newId()];
  for (const id of ids) containers.create({ id, config: config(), created: 5 });
  expect(containers.list().map((container) => container.id)).toEqual(ids);
});

test("a rename takes a free name only", () => {
  const { containers } = openState();
  const first = containers.create({ id: newId(), name: "one", config: config() }); // no prefix of an id
  containers.create({ id: newId(), name: "two", config: config() });
  expect(() => containers.rename(first.id, "two")).toThrow("already in use");
  containers.rename(first.id, "three");
  expect(containers.resolve("three").id).toBe(first.id);
  expect(() => containers.resolve("one")).toThrow("no such container");
});

test("containers are found by the image and by the volume they use", () => {
  const { containers } = openState();
  const mounts = [{ type: "volume", source: "data", destination: "/d", options: [] }] as const;
  const user = containers.create({ id: newId(), config: config({ image: "abc", mounts }) });
  containers.create({ id: newId(), config: config({ image: "def" }) });
  expect(containers.usingImage("abc")).toEqual([user]);
  expect(containers.usingVolume("data")).toEqual([user]);
  expect(containers.usingVolume("other")).toEqual([]);
});

test("config changes and removal are kept", () => {
  const { containers } = openState();
  const { id } = containers.create({ id: newId(), config: config() });
  containers.changeConfig(id, (before) => ({ ...before, stopTimeout: 3 }));
  expect(containers.get(id)?.config.stopTimeout).toBe(3);
  expect(containers.remove(id)).toBe(true);
  expect(containers.remove(id)).toBe(false);
  expect(containers.get(id)).toBeUndefined();
});

function withGone() {
  const paths = pathsIn(scratch());
  const state = openState(paths);
  const { id } = state.containers.create({ id: newId(), name: "job", config: config({ autoRemove: true }) });
  mkdirSync(goneDir(paths), { recursive: true });
  writeFileSync(join(goneDir(paths), id), "");
  return { paths, state, id };
}

test("an ended --rm container is hidden from readers, and stays for a writer to sweep", () => {
  const { paths, state, id } = withGone();
  expect(state.containers.list()).toEqual([]);
  expect(state.containers.get(id)).toBeUndefined();
  expect(state.containers.byName("job")).toBeUndefined();
  expect(() => state.containers.resolve(id.slice(0, 10))).toThrow("no such container");
  expect(existsSync(join(goneDir(paths), id))).toBe(true);
});

test("an ended --rm container's name is free again, and its marker goes with its row", () => {
  const { paths, state, id } = withGone();
  const next = state.containers.create({ id: newId(), name: "job", config: config() });
  expect(state.containers.list().map((container) => container.id)).toEqual([next.id]);
  expect(readdirSync(goneDir(paths))).toEqual([]);
  expect(state.containers.get(id)).toBeUndefined();
});

test("a marker outlives a rolled-back sweep", () => {
  const { paths, state, id } = withGone();
  expect(() =>
    state.transaction(() => {
      state.containers.sweepGone();
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(existsSync(join(goneDir(paths), id))).toBe(true);
  state.containers.sweepGone();
  expect(readdirSync(goneDir(paths))).toEqual([]);
});
