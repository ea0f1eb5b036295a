import { describe, expect, test } from "bun:test";
import { StorageError } from "../../../src/base/index.ts";
import {
  chainIds,
  type Digest,
  entryMeaning,
  isDigest,
  MAX_LAYERS,
  parseDigest,
  parseImageConfig,
  parseIndex,
  parseManifest,
  sha256,
} from "../../../src/oci/index.ts";

const D = sha256("x");
const bytes = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: D, size: 1 };
const manifest = { schemaVersion: 2, config: { mediaType: "c", digest: D, size: 2 }, layers: [layer] };

describe("digests (R1)", () => {
  test.each([
    "",
    ":",
    "sha256:",
    "sha256:../../x",
    `sha256:${"A".repeat(64)}`,
    `sha512:${"a".repeat(128)}`,
    "sha256:abc",
    `${D}\n`,
    7,
    null,
  ])("refuses %j", (text) => {
    expect(isDigest(text)).toBe(false);
    expect(() => parseDigest(text, "layer 3")).toThrow(/cannot use layer 3/);
  });

  test("chain IDs follow the specification", () => {
    const [a, b] = [sha256("a"), sha256("b")];
    expect(chainIds([a, b])).toEqual([a, sha256(`${a} ${b}`)]);
  });
});

describe("documents (R2, R6)", () => {
  test("reads a manifest", () => {
    expect(parseManifest(bytes(manifest)).layers[0]?.digest).toBe(D);
  });

  test.each([
    ["both layers and manifests", { ...manifest, manifests: [] }],
    ["an index's media type", { ...manifest, mediaType: "application/vnd.oci.image.index.v1+json" }],
    ["a negative size", { ...manifest, layers: [{ ...layer, size: -1 }] }],
    ["a huge size", bytes(manifest).toString().replace('"size":1', '"size":1e308')],
    ["a size as text", { ...manifest, layers: [{ ...layer, size: "1" }] }],
    ["a path for a digest", { ...manifest, layers: [{ ...layer, digest: "sha256:../x" }] }],
    ["no config", { schemaVersion: 2, layers: [] }],
    ["null layers", { ...manifest, layers: null }],
    ["schema 1", { ...manifest, schemaVersion: 1 }],
    ["too many layers", { ...manifest, layers: new Array(MAX_LAYERS + 1).fill(layer) }],
    ["a key said twice", `{"schemaVersion":2,${bytes(manifest).toString().slice(1)}`],
    ["a key said twice in disguise", `{"\\u0073chemaVersion":2,${bytes(manifest).toString().slice(1)}`],
    ["bytes after the JSON", `${bytes(manifest)}{}`],
    ["great depth", `${"[".repeat(100_000)}`],
    ["nothing", ""],
    ["a list", "[]"],
  ])("refuses a manifest with %s", (_, document) => {
    expect(() => parseManifest(bytes(document))).toThrow(StorageError);
  });

  test("refuses a manifest beyond its limit without parsing it", () => {
    expect(() => parseManifest(Buffer.alloc(5 << 20, " "))).toThrow(/the limit is/);
  });

  test("refuses an index that is an image too", () => {
    expect(() => parseIndex(bytes({ ...manifest, manifests: [] }))).toThrow(StorageError);
  });

  test("reads an image config, nulls as absent", () => {
    const config = parseImageConfig(
      bytes({
        architecture: "amd64",
        os: "linux",
        config: { Cmd: null, Env: ["A=b"] },
        rootfs: { type: "layers", diff_ids: [D] },
        history: null,
      }),
    );
    expect(config.config).toEqual({ Env: ["A=b"] });
    expect(config.diffIds).toEqual([D as Digest]);
  });

  test.each([{ Env: "A" }, { Env: [1] }, { Labels: { a: 1 } }, { Volumes: [] }, { Cmd: {} }])(
    "refuses %j in a config",
    (config) => {
      expect(() => parseImageConfig(bytes({ config, rootfs: { type: "layers", diff_ids: [] } }))).toThrow(
        StorageError,
      );
    },
  );
});

test.each([
  ["x", "plain"],
  [".wh.x", "whiteout"],
  [".wh..wh..opq", "opaque"],
  [".wh..wh.plnk", "ignored"],
  [".wh.", "invalid"],
  [".wh..", "invalid"],
  [".wh...", "invalid"],
])("the name %s is %s (U9)", (name, kind) => {
  expect(entryMeaning(name).kind).toBe(kind as never);
});
