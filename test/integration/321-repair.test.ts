/** `system check --repair`: whatever was damaged is named and mended, and only what was damaged is fetched again. */

import { afterAll, beforeAll, beforeEach, expect } from "bun:test";
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gzipSync } from "node:zlib";
import { BUSYBOX, busyboxArchive, busyboxFiles, makeTar, requires, useSandbox } from "../support/index.ts";
import { digestOf, type StubImage, StubRegistry } from "../support/stub-registry.ts";

const box = useSandbox("321-repair");
const { test } = requires("overlay");
const data = join(box.directory, "data", "kelp");
const GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
const PLAIN = "application/vnd.oci.image.layer.v1.tar";

let stub: StubRegistry;
let image: StubImage;
let name: string;

beforeAll(async () => {
  stub = await StubRegistry.start();
  const tars = [
    await makeTar(busyboxFiles()),
    await makeTar([{ name: "one", content: "first\n" }]),
    await makeTar([{ name: "two", content: "second\n".repeat(1000) }]),
  ];
  const blobs = tars.map((tar, index) => (index === 2 ? tar : gzipSync(tar)));
  const layers = blobs.map((blob, index) => ({
    mediaType: index === 2 ? PLAIN : GZIP,
    digest: digestOf(blob),
    size: blob.length,
  }));
  const stored = tars.map((tar, index) => ({ tar, blob: blobs[index] as Buffer }));
  image = stub.add("t/app", "1", stored, { manifest: { layers } });
  name = `${stub.host}/t/app:1`;
});
afterAll(() => stub.stop());

beforeEach(async () => {
  await box.ok(["system", "reset", "--force"]);
  await box.ok(["pull", "-q", "--tls-verify=false", name]);
  stub.reset();
});

const check = (...args: string[]) =>
  box.kelp(["system", "check", "--tls-verify=false", "--retry", "0", ...args]);
const repair = () => check("--repair");
const blobPath = (digest: string) => join(data, "blobs", "sha256", digest.slice(7));
const layerBlob = (index: number) => digestOf(image.layers[index] as Buffer);
const rows = () =>
  readdirSync(join(data, "layers"))
    .filter((entry) => /^\d+$/.test(entry))
    .sort((a, b) => Number(a) - Number(b));
const layerPath = (index: number, ...rest: string[]) =>
  join(data, "layers", rows()[index] as string, ...rest);
/** What was fetched as a blob, by number of the layer. */
const fetched = () =>
  [0, 1, 2].filter((index) => stub.requests.some(({ url }) => url.endsWith(`/blobs/${layerBlob(index)}`)));

function overwrite(path: string, text: string): void {
  const fd = openSync(path, "r+");
  writeSync(fd, text);
  closeSync(fd);
}

function query(sql: string): void {
  const database = new DatabaseSync(join(data, "kelp.db"), { enableForeignKeyConstraints: false });
  database.exec(sql);
  database.close();
}

function removeTree(path: string): void {
  chmodSync(path, 0o755);
  rmSync(path, { recursive: true });
}

/** The damage is named, then mended; afterwards all is as it was. */
async function mends(damage: () => unknown, words: RegExp, layers: readonly number[]): Promise<void> {
  await damage();
  const found = await check();
  expect({ code: found.code, stdout: found.stdout }).toEqual({
    code: 125,
    stdout: expect.stringMatching(words),
  });
  stub.reset();
  const repaired = await repair();
  expect({ code: repaired.code, stdout: repaired.stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^(.*: repaired\n)+$/),
  });
  expect(fetched()).toEqual([...layers]);
  expect(await check()).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(await box.ok(["run", "--rm", name, "cat", "/one", "/two"])).toBe(
    `first\n${"second\n".repeat(1000)}`.trimEnd(),
  );
  expect(await box.ok(["image", "inspect", "--format", "{{.Digest}}", name])).toBe(digestOf(image.manifest));
}

test("a sound store asks nobody for anything", async () => {
  expect(await repair()).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(stub.requests).toEqual([]);
});

const MANIFEST = () => blobPath(digestOf(image.manifest));
const CONFIG = () => blobPath(digestOf(image.config));
const LAYER = /^layer [0-9a-f]{12}: /;

for (const [kind, damage, words] of [
  ["missing", rmSync, /is missing: sha256:/],
  ["truncated", (path: string) => truncateSync(path, 20), /has incorrect (size|digest): sha256:/],
  ["altered", (path: string) => overwrite(path, "\x1f\x8bXXXX"), /has incorrect digest: sha256:/],
] as const) {
  test(`the blob of a layer that is ${kind} is fetched, and no other`, async () => {
    await mends(
      () => damage(blobPath(layerBlob(1))),
      new RegExp(`${LAYER.source}layer data item ${words.source}`),
      [1],
    );
  });

  test(`a manifest that is ${kind} is fetched, and no layer`, async () => {
    await mends(
      () => damage(MANIFEST()),
      new RegExp(`^image [0-9a-f]{12}: image data item ${words.source}`),
      [],
    );
  });

  test(`a config that is ${kind} is written again from the database`, async () => {
    await mends(
      () => damage(CONFIG()),
      new RegExp(`^image [0-9a-f]{12}: image data item ${words.source}`),
      [],
    );
    expect(stub.requests).toEqual([]);
  });
}

test("a file of an unpacked layer that is missing or altered comes back from the kept blob", async () => {
  await mends(
    () => overwrite(layerPath(1, "one"), "evil"),
    /content modified: the (looks|content) of "one"/,
    [],
  );
  await mends(
    () => {
      chmodSync(layerPath(1), 0o755);
      rmSync(layerPath(1, "one"));
    },
    /content modified: "one" is missing|the looks of/,
    [],
  );
});

test("a layer that came plain is fetched if its files were altered, and kept once", async () => {
  await mends(() => overwrite(layerPath(2, "two"), "SECOND"), /checksum failed|content modified/, [2]);
  expect(existsSync(blobPath(layerBlob(2)))).toBe(false);
  expect(existsSync(`${layerPath(2)}.rec`)).toBe(true);
});

test("a layer that came plain is fetched if its recording is lost", async () => {
  await mends(() => rmSync(`${layerPath(2)}.rec`), /layer data item is missing/, [2]);
});

test("an unpacked layer that is missing is unpacked again", async () => {
  await mends(() => removeTree(layerPath(1)), /image layer is missing/, []);
});

test("everything of an image at once", async () => {
  await mends(
    () => {
      rmSync(MANIFEST());
      truncateSync(blobPath(layerBlob(0)), 100);
      overwrite(blobPath(layerBlob(1)), "\x1f\x8bXXXX");
      overwrite(layerPath(2, "two"), "SECOND");
      removeTree(layerPath(1));
    },
    /^image [0-9a-f]{12}: image data item is missing/,
    [0, 1, 2],
  );
});

test("a layer whose record is lost is fetched and recorded again", async () => {
  await mends(
    () => query(`DELETE FROM layers WHERE row = ${rows()[2]}`),
    /^layer \d+: image layer is missing/,
    [2],
  );
});

test("rows that belong to nothing are named and removed", async () => {
  query("INSERT INTO image_names (name, image) VALUES ('localhost/ghost:1', 'none')");
  const { code, stdout } = await repair();
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: "database: 1 rows of image_names belong to nothing: repaired\n",
  });
  expect((await check()).stdout).toBe("");
});

test("a registry that has it no more is said to, nothing is thrown away, and the next repair works", async () => {
  const blob = stub.blobs.get(layerBlob(1)) as Buffer;
  stub.blobs.delete(layerBlob(1));
  truncateSync(blobPath(layerBlob(1)), 20);
  const { code, stdout, stderr } = await repair();
  expect({ code, stdout }).toEqual({
    code: 125,
    stdout: expect.stringMatching(
      /^layer [0-9a-f]{12}: layer data item has incorrect size: .*: not repaired\n$/,
    ),
  });
  expect(stderr).toContain("blob unknown");
  expect(statSync(blobPath(layerBlob(1))).size).toBe(20);
  expect(await box.ok(["run", "--rm", name, "cat", "/one"])).toBe("first");
  stub.blobs.set(layerBlob(1), blob);
  await mends(() => {}, /has incorrect size/, [1]);
});

test("the files of a running container are left alone, and mended when it has ended", async () => {
  await box.ok(["run", "-d", "--name", "runs", name, "sleep", "300"]);
  overwrite(layerPath(1, "one"), "evil!");
  const { code, stdout } = await repair();
  expect({ code, stdout }).toEqual({ code: 125, stdout: expect.stringContaining("stop the containers") });
  await box.ok(["rm", "-f", "-t", "0", "runs"]);
  await mends(() => {}, /content modified/, []);
});

test("pull alone heals what it finds missing", async () => {
  rmSync(MANIFEST());
  truncateSync(blobPath(layerBlob(0)), 10);
  removeTree(layerPath(1));
  await box.ok(["pull", "-q", "--tls-verify=false", name]);
  expect((await check()).stdout).toBe("");
  expect(fetched()).toEqual([0]);
});

test("an image made here gets its lost manifest again, without any registry", async () => {
  await box.ok(["load", "-q", "-i", await busyboxArchive()]);
  const digest = await box.ok(["image", "inspect", "--format", "{{.Digest}}", BUSYBOX]);
  rmSync(blobPath(digest));
  const { code, stdout } = await repair();
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^image [0-9a-f]{12}: image data item is missing: .*: repaired\n$/),
  });
  expect(await box.ok(["image", "inspect", "--format", "{{.Digest}}", BUSYBOX])).toBe(digest);
  expect((await check()).stdout).toBe("");
});

test("a plain image whose layers another one brought compressed is written out, also when the other is gone", async () => {
  await box.ok(["load", "-q", "-i", await busyboxArchive()]);
  expect((await check()).stdout).toBe("");
  const [before, after] = [join(box.directory, "before.tar"), join(box.directory, "after.tar")];
  await box.ok(["save", "-q", "-o", before, BUSYBOX]);
  await box.ok(["rmi", name]);
  await box.ok(["save", "-q", "-o", after, BUSYBOX]);
  expect(readFileSync(after).equals(readFileSync(before))).toBe(true);
  expect((await check()).stdout).toBe("");
});

test("a file that is missing in a layer that came plain is named, and fetched", async () => {
  await mends(
    () => {
      chmodSync(layerPath(2), 0o755);
      rmSync(layerPath(2, "two"));
    },
    /checksum failed: cannot write out layer "two": no such file/,
    [2],
  );
});

test("an image whose manifest or config is lost still runs, is listed, and can be removed and pruned", async () => {
  for (const lost of [MANIFEST, CONFIG]) {
    for (const remove of [
      ["rmi", "-f", name],
      ["rmi", "-a", "-f"],
      ["image", "prune", "-a", "-f"],
    ]) {
      await box.ok(["pull", "-q", "--tls-verify=false", name]);
      rmSync(lost());
      expect(await box.ok(["run", "--rm", name, "cat", "/one"])).toBe("first");
      expect(await box.ok(["images", "-q", "--no-trunc"])).toBe(digestOf(image.config));
      await box.ok(remove);
      expect(await box.ok(["images", "-q", "-a"])).toBe("");
      expect(readdirSync(join(data, "blobs", "sha256"))).toEqual([]);
    }
  }
}, 60_000);

test("begun and half-made things of killed processes go, whatever their name", async () => {
  writeFileSync(join(data, "tmp", "blob-0123"), "half");
  writeFileSync(join(data, "layers", ".new-abc.rec"), "half");
  writeFileSync(blobPath(digestOf("orphan")), "orphan");
  const { code, stdout } = await repair();
  expect({ code, lines: stdout.trimEnd().split("\n").sort() }).toEqual({
    code: 0,
    lines: [
      `blob ${digestOf("orphan").slice(7, 19)}: not referenced by any image: repaired`,
      "layer .new-abc.rec: layer in lower level storage driver not accounted for: repaired",
      "tmp blob-0123: left by a process that was killed: repaired",
    ],
  });
  expect(readFileSync(MANIFEST(), "utf8")).toBe(image.manifest);
});
