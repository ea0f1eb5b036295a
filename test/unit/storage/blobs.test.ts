import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Paths, tempDir } from "../../../src/host/index.ts";
import { sha256 } from "../../../src/oci/index.ts";
import { BlobStore } from "../../../src/storage/index.ts";

let paths: Paths;
beforeEach(() => {
  const data = mkdtempSync(join(tmpdir(), "kelp-blobs-"));
  paths = { data, config: data, cache: data, runtime: data };
});
afterEach(() => rmSync(paths.data, { recursive: true }));

test("a blob is there when all of it is and was verified, and not before", () => {
  const store = new BlobStore(paths);
  const writer = store.begin();
  writer.write(Buffer.from("ab"));
  expect(store.has(sha256("abc"))).toBe(false);
  writer.write(Buffer.from("c"));
  expect(writer.commit({ digest: sha256("abc"), size: 3 })).toBe(sha256("abc"));
  expect(store.read(sha256("abc")).toString()).toBe("abc");
  expect(store.list()).toEqual([sha256("abc")]);
});

test("R2: what is not what was promised leaves nothing", () => {
  const store = new BlobStore(paths);
  for (const expected of [{ digest: sha256("x") }, { size: 2 }]) {
    const writer = store.begin();
    writer.write(Buffer.from("abc"));
    expect(() => writer.commit(expected)).toThrow(/the image promises/);
  }
  expect(store.list()).toEqual([]);
  expect(readdirSync(tempDir(paths))).toEqual([]);
});

test("a blob that changed on disk is not used", () => {
  const store = new BlobStore(paths);
  const digest = store.put(Buffer.from("abc"));
  writeFileSync(store.path(digest), "abd");
  expect(() => store.read(digest)).toThrow(/has changed on disk/);
  store.remove(digest);
  expect(existsSync(store.path(digest))).toBe(false);
  expect(() => store.read(digest)).toThrow(/not in the store/);
});
