/** Pulling from registries that lie, break off or are slow. Nothing of it may be seen in the store, nothing may leak. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { makeTar, useSandbox } from "../support/index.ts";
import {
  cutBlob,
  digestOf,
  OCI_INDEX,
  OCI_MANIFEST,
  refuse,
  type StubImage,
  StubRegistry,
  sendBlob,
} from "../support/stub-registry.ts";

const box = useSandbox("151-pull-faults");
let stub: StubRegistry;
let image: StubImage;
/** Enough bytes for a connection to break in the middle of them. */
let big: StubImage;
const PULL = ["pull", "-q", "--retry", "0", "--tls-verify=false"];

beforeAll(async () => {
  stub = await StubRegistry.start();
  image = stub.add("t/small", "1", [{ tar: await makeTar([{ name: "hello", content: "hi\n" }]) }]);
  big = stub.add("t/big", "1", [
    { tar: await makeTar([{ name: "noise", content: randomBytes(3 << 20) }]) },
    { tar: await makeTar([{ name: "more", content: randomBytes(100_000) }]) },
  ]);
});
beforeEach(async () => {
  stub.reset();
  await box.kelp(["rmi", "--all", "--force"]);
});
afterAll(() => {
  stub.stop();
});

const idOf = ({ config }: StubImage) => digestOf(config).slice(7);
const inStore = (...path: string[]) => {
  try {
    return readdirSync(join(box.directory, "data", "kelp", ...path));
  } catch {
    return [];
  }
};

/** The pull fails with these words in one line, and nothing of the image is there. */
async function refused(name: string, words: RegExp | string, args: readonly string[] = PULL): Promise<void> {
  const { code, stdout, stderr } = await box.kelp([...args, `${stub.host}/${name}`], { timeout: 60_000 });
  const said = stderr.split("\n").filter((line) => line.startsWith("Error: "));
  expect(said.join("\n")).toMatch(words);
  expect({ code, stdout, errors: said.length }).toEqual({ code: 125, stdout: "", errors: 1 });
  expect(await box.ok(["images", "-q", "--all"])).toBe("");
  expect({
    layers: inStore("layers").filter((entry) => entry !== "empty"),
    tmp: inStore("tmp"),
    blobs: inStore("blobs", "sha256"),
  }).toEqual({ layers: [], tmp: [], blobs: [] });
}

const blobUrl = (layer: Buffer | undefined) => `/blobs/${digestOf(layer ?? "")}`;

test("pull prints the image's ID and makes it runnable by its name", async () => {
  expect(await box.ok([...PULL, `${stub.host}/t/small:1`])).toBe(idOf(image));
  expect(await box.ok(["images", "--format", "{{.Repository}}:{{.Tag}}"])).toBe(`${stub.host}/t/small:1`);
});

test("a connection cut at any offset is gone on with where it broke, in the same pull", async () => {
  const [layer] = big.layers;
  const size = layer?.length ?? 0;
  const anywhere = Array.from({ length: 16 }, () => 1 + Math.floor(Math.random() * (size - 2)));
  const offsets = [1, 4096, 65536, ...anywhere.sort((a, b) => a - b), size - 1];
  stub.handler = (request, response) => {
    if (!request.url?.endsWith(blobUrl(layer)) || offsets.length === 0) return undefined;
    cutBlob(request, response, layer as Buffer, offsets.shift() ?? 0);
    return true;
  };
  expect(await box.ok([...PULL, `${stub.host}/t/big:1`])).toBe(idOf(big));
  const ranges = stub.requests
    .filter(({ url }) => url.endsWith(blobUrl(layer)))
    .map(({ headers }) => headers.range);
  expect(ranges[0]).toBeUndefined();
  // What a broken connection had under way may be lost with it: then there is nothing to go on with yet.
  const resumed = ranges.filter((range) => range !== undefined);
  expect(resumed.length).toBeGreaterThan(ranges.length / 2);
  expect(resumed).toEqual(resumed.map(() => expect.stringMatching(/^bytes=[1-9]\d*-\d+$/)));
});

test("what a failed pull had fetched is not fetched again by the next one", async () => {
  const [layer] = big.layers;
  stub.handler = (request, response) => {
    if (!request.url?.endsWith(blobUrl(layer))) return undefined;
    if (request.headers.range === undefined) cutBlob(request, response, layer as Buffer, 1 << 20);
    else refuse(response, 403, "DENIED", "requested access to the resource is denied");
    return true;
  };
  await refused("t/big:1", /denied/);
  expect(inStore("partial")).toContain(digestOf(layer ?? "").slice(7));
  stub.reset();
  expect(await box.ok([...PULL, `${stub.host}/t/big:1`])).toBe(idOf(big));
  const [again] = stub.requests.filter(({ url }) => url.endsWith(blobUrl(layer)));
  expect(Number(/^bytes=(\d+)-/.exec(again?.headers.range ?? "")?.[1])).toBeGreaterThanOrEqual(1 << 19);
  expect(inStore("partial")).toEqual([]);
});

test("a registry that ignores Range costs time, not the pull", async () => {
  const [layer] = big.layers;
  let cut = false;
  stub.handler = (request, response) => {
    if (!request.url?.endsWith(blobUrl(layer))) return undefined;
    delete request.headers.range;
    if (cut) sendBlob(request, response, layer);
    else cutBlob(request, response, layer as Buffer, 300_000);
    cut = true;
    return true;
  };
  expect(await box.ok([...PULL, `${stub.host}/t/big:1`])).toBe(idOf(big));
});

test("two pulls at once fetch each layer once", async () => {
  const pulls = await Promise.all([1, 2].map(() => box.ok([...PULL, `${stub.host}/t/big:1`])));
  expect(pulls).toEqual([idOf(big), idOf(big)]);
  const fetched = stub.requests.filter(({ url }) => url.endsWith(blobUrl(big.layers[0])));
  expect(fetched).toHaveLength(1);
});

test("bytes of another digest never become a layer, and are not kept", async () => {
  const [layer] = image.layers;
  const wrong = Buffer.from(layer ?? []);
  wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1;
  stub.handler = (request, response) => {
    if (!request.url?.endsWith(blobUrl(layer))) return undefined;
    sendBlob(request, response, wrong);
    return true;
  };
  await refused("t/small:1", /digest|intact/);
  expect(inStore("partial")).toEqual([]);
});

test("a layer longer or shorter than promised is refused", async () => {
  const [layer] = image.layers;
  for (const body of [Buffer.concat([layer ?? Buffer.alloc(0), Buffer.alloc(10)]), layer?.subarray(0, -5)]) {
    stub.handler = (request, response) => {
      if (!request.url?.endsWith(blobUrl(layer))) return undefined;
      response.writeHead(200, { "Content-Length": body?.length }).end(body);
      return true;
    };
    await refused("t/small:1", /the image promises/);
  }
});

test("an endless layer ends where the image says it should", async () => {
  const [layer] = image.layers;
  stub.handler = (request, response) => {
    if (!request.url?.endsWith(blobUrl(layer))) return undefined;
    response.writeHead(200);
    const pump = setInterval(() => response.write(Buffer.alloc(65536)), 1);
    response.on("close", () => clearInterval(pump));
    return true;
  };
  await refused("t/small:1", /sends more than/);
});

test("an endless or oversized manifest is refused", async () => {
  stub.handler = (request, response) => {
    if (!request.url?.includes("/manifests/")) return undefined;
    response.writeHead(200, { "Content-Type": OCI_MANIFEST });
    const pump = setInterval(() => response.write(Buffer.alloc(1 << 20, 32)), 1);
    response.on("close", () => clearInterval(pump));
    return true;
  };
  await refused("t/small:1", /more than 4194304 bytes/);
});

test("a manifest under a wrong digest, and one that changes between two requests, are refused", async () => {
  const digest = digestOf(image.manifest);
  stub.handler = (request, response) => {
    if (!request.url?.includes("/manifests/")) return undefined;
    response.writeHead(200, { "Content-Type": OCI_MANIFEST }).end(`${image.manifest} `);
    return true;
  };
  await refused(`t/small@${digest}`, /has the digest/);
});

test("digests that are paths, and sizes that are no sizes, are refused before any request is made of them", async () => {
  const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: digestOf("x"), size: 1 };
  const odd: object[] = [
    ...[
      "sha256:../../x",
      "sha256:abc",
      `SHA256:${"0".repeat(64)}`,
      `sha512:${"0".repeat(128)}`,
      "",
      ":",
      "a".repeat(1 << 20),
    ].map((digest) => ({ ...layer, digest })),
    ...[-1, 1e308, 2 ** 63, "1", null].map((size) => ({ ...layer, size })),
  ];
  for (const [index, entry] of odd.entries()) {
    stub.add("t/odd", String(index), [], { manifest: { layers: [entry] } });
    stub.requests.length = 0;
    await refused(`t/odd:${index}`, /layer 0/);
    expect(stub.requests.every(({ url }) => /^\/v2\/(t\/odd\/manifests\/\d+)?$/.test(url))).toBe(true);
  }
}, 60_000);

test("documents that two readers could read differently are refused", async () => {
  const twice = image.manifest.replace('"schemaVersion":2', '"schemaVersion":2,"schemaVersion":2');
  const both = image.manifest.replace("{", '{"manifests":[],');
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`;
  const cases: [string, string, RegExp][] = [
    [twice, OCI_MANIFEST, /twice|repeated/],
    [both, OCI_MANIFEST, /both/],
    [`${image.manifest}x`, OCI_MANIFEST, /JSON/],
    [deep, OCI_MANIFEST, /nested/],
    [image.manifest, OCI_INDEX, /says/],
    ['{"schemaVersion":2}', "text/html", /not an image manifest/],
  ];
  for (const [document, type, words] of cases) {
    stub.put("t/doc", "1", document, type);
    await refused("t/doc:1", words);
  }
});

test("what is no document, or an index without an end, is refused in a line", async () => {
  const words = /^Error: .*(JSON|document|manifest|index)/;
  for (const document of [
    "",
    "{",
    "null",
    "[]",
    '"x"',
    "7",
    "{}",
    '{"layers":{}}',
    '{"layers":[null]}',
    "\0",
  ]) {
    stub.put("t/none", "1", document, OCI_MANIFEST);
    await refused("t/none:1", words);
  }
  let inner = { bytes: image.manifest, type: OCI_MANIFEST };
  for (let depth = 0; depth < 6; depth++) {
    const digest = digestOf(inner.bytes);
    stub.put("t/bomb", digest, inner.bytes, inner.type);
    const manifests = [{ mediaType: inner.type, digest, size: Buffer.byteLength(inner.bytes) }];
    inner = { bytes: JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }), type: OCI_INDEX };
  }
  stub.put("t/bomb", "deep", inner.bytes, OCI_INDEX);
  await refused("t/bomb:deep", /nested too deep/);
  const entry = {
    mediaType: OCI_MANIFEST,
    digest: digestOf("x"),
    size: 1,
    platform: { os: "plan9", architecture: "z" },
  };
  const manifests = Array.from({ length: 20_000 }, () => entry);
  stub.put(
    "t/bomb",
    "wide",
    JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }),
    OCI_INDEX,
  );
  await refused("t/bomb:wide", /^Error: .{0,4000}$/m);
}, 60_000);

test("a config or diffID other than promised is refused", async () => {
  const tar = await makeTar([{ name: "a", content: "a" }]);
  const wrong = stub.add("t/diff", "1", [
    { tar, blob: gzipSync(await makeTar([{ name: "b", content: "b" }])) },
  ]);
  await refused("t/diff:1", /diffID/);
  stub.blobs.set(digestOf(wrong.config), Buffer.from(wrong.config.replace("PATH=/bin", "PATH=/evl")));
  await refused("t/diff:1", /image config/);
});

test("429 is waited for as long as the registry asks, then tried again", async () => {
  let refusals = 2;
  stub.handler = (request, response) => {
    if (!request.url?.includes("/manifests/") || refusals-- <= 0) return undefined;
    response.writeHead(429, { "Retry-After": "1" }).end();
    return true;
  };
  const started = Date.now();
  expect(await box.ok([...PULL, `${stub.host}/t/small:1`])).toBe(idOf(image));
  expect(Date.now() - started).toBeGreaterThanOrEqual(2000);
});

test("a policy that rejects, or wants a signature, keeps the image out", async () => {
  const file = join(box.directory, "policy.json");
  for (const [type, words] of [
    ["reject", /rejected by policy/],
    ["signedBy", /which kelp cannot check/],
  ] as const) {
    await Bun.write(
      file,
      JSON.stringify({
        default: [{ type: "insecureAcceptAnything" }],
        transports: { docker: { [`${stub.host}/t`]: [{ type }] } },
      }),
    );
    await refused("t/small:1", words, [...PULL, "--signature-policy", file]);
  }
});

test("a blocked registry is not asked, a mirror is, and its image has the registry's name", async () => {
  const conf = join(box.directory, "registries.conf");
  const env = { CONTAINERS_REGISTRIES_CONF: conf };
  await Bun.write(conf, `[[registry]]\nlocation = "blocked.example"\nblocked = true\n`);
  const blocked = await box.kelp([...PULL, "blocked.example/x"], { env });
  expect(blocked.stderr).toMatch(/registry blocked\.example is blocked/);
  await Bun.write(
    conf,
    `unqualified-search-registries = ["reg.example"]\n[[registry]]\nprefix = "reg.example/app"\nlocation = "127.0.0.1:1/nowhere"\n[[registry.mirror]]\nlocation = "${stub.host}/t"\ninsecure = true\n`,
  );
  expect(await box.ok(["pull", "-q", "app/small:1"], { env })).toBe(idOf(image));
  expect(await box.ok(["images", "--format", "{{.Repository}}"])).toBe("reg.example/app/small");
});

test("an index gives the image for the wanted platform, and says what there is when it has none", async () => {
  const tar = await makeTar([{ name: "arch", content: "s390x" }]);
  const far = stub.add("t/multi", "s390x", [{ tar }], { architecture: "s390x" });
  const entry = (document: string, architecture: string) => ({
    mediaType: OCI_MANIFEST,
    digest: digestOf(document),
    size: document.length,
    platform: { os: "linux", architecture },
  });
  stub.put("t/multi", digestOf(image.manifest), image.manifest, OCI_MANIFEST);
  const here = process.arch === "x64" ? "amd64" : process.arch;
  const index = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: [entry(far.manifest, "s390x"), entry(image.manifest, here)],
  });
  stub.put("t/multi", "1", index, OCI_INDEX);
  expect(await box.ok([...PULL, `${stub.host}/t/multi:1`])).toBe(idOf(image));
  expect(await box.ok([...PULL, "--platform", "linux/s390x", `${stub.host}/t/multi:1`])).toBe(idOf(far));
  const none = await box.kelp([...PULL, "--arch", "mips", `${stub.host}/t/multi:1`]);
  expect(none.stderr).toMatch(/no image found in image index for architecture "mips"[\s\S]*linux\/s390x/);
});

test("an interrupted pull leaves begun downloads and nothing else", async () => {
  stub.handler = (request, response) => {
    if (!request.url?.endsWith(blobUrl(big.layers[0]))) return undefined;
    response.writeHead(200, { "Content-Length": big.layers[0]?.length });
    response.write(big.layers[0]?.subarray(0, 500_000));
    return true;
  };
  const pull = box.kelp(["pull", "-q", "--tls-verify=false", `${stub.host}/t/big:1`], { timeout: 1500 });
  expect((await pull).code).toBe(137);
  stub.reset();
  expect(await box.ok([...PULL, `${stub.host}/t/big:1`])).toBe(idOf(big));
  expect(inStore("tmp")).toEqual([]);
});
