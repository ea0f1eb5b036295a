import { afterEach, expect, test } from "bun:test";
import { image, openState, removeScratch } from "./support.ts";

afterEach(removeScratch);

const NAME = "docker.io/library/x:latest";

test("an image is found by id, prefix, name and digest", () => {
  const { images } = openState();
  const stored = images.put(
    image({ names: [NAME], digests: ["sha256:aa"], repoDigests: ["docker.io/library/x@sha256:bb"] }),
  );
  expect(images.get(stored.id)).toEqual(stored);
  expect(images.byName(NAME)).toEqual(stored);
  expect(images.byIdPrefix(stored.id.slice(0, 6))).toEqual([stored]);
  for (const digest of ["sha256:aa", "sha256:bb", stored.manifestDigest]) {
    expect(images.byDigest(digest)).toEqual([stored]);
  }
  expect(images.byDigest("sha256:cc")).toEqual([]);
  expect(images.byIdPrefix("latest")).toEqual([]);
});

test("the same image put twice is one, with both names and all digests", () => {
  const { images } = openState();
  const first = image({ names: ["a:1"], digests: ["sha256:aa"] });
  images.put(first);
  const both = images.put({ ...first, names: ["b:1"], digests: ["sha256:bb"] });
  expect(both.names).toEqual(["a:1", "b:1"]);
  expect(both.digests).toEqual(["sha256:aa", "sha256:bb"]);
  expect(images.list()).toHaveLength(1);
});

test("a name belongs to the image that took it last", () => {
  const { images } = openState();
  const old = images.put(image({ names: [NAME, "kept:1"] }));
  const young = images.put(image({ names: [NAME] }));
  expect(images.byName(NAME)?.id).toBe(young.id);
  expect(images.get(old.id)?.names).toEqual(["kept:1"]);
  images.tag(old.id, NAME);
  expect(images.get(young.id)?.names).toEqual([]);
  expect(images.untag(NAME)).toBe(true);
  expect(images.untag(NAME)).toBe(false);
});

test("names an image had are remembered, the last one first, but not those it has again", () => {
  const { images } = openState();
  const { id } = images.put(image({ names: ["a:1", "b:1", "c:1"] }));
  images.untag("a:1");
  images.put(image({ names: ["b:1"] }));
  expect(images.get(id)?.formerNames).toEqual(["b:1", "a:1"]);
  images.tag(id, "a:1");
  expect(images.get(id)?.names).toEqual(["c:1", "a:1"]);
  expect(images.get(id)?.formerNames).toEqual(["b:1"]);
});

test("images are listed newest first", () => {
  const { images } = openState();
  for (const created of [5, 9, 7]) images.put(image({ created }));
  expect(images.list().map((one) => one.created)).toEqual([9, 7, 5]);
});

test("removing an image frees its names and digests", () => {
  const { images } = openState();
  const { id } = images.put(image({ names: [NAME], digests: ["sha256:aa"] }));
  expect(images.remove(id)).toBe(true);
  expect(images.byName(NAME)).toBeUndefined();
  expect(images.byDigest("sha256:aa")).toEqual([]);
  expect(images.remove(id)).toBe(false);
});
