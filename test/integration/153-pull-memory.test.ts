/** A pull takes the same memory whatever the size of the layers, and stays under what the README of storage says. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { KELP, makeTar, rawTar, useSandbox } from "../support/index.ts";
import { peakMemory } from "../support/memory.ts";
import { StubRegistry } from "../support/stub-registry.ts";

const box = useSandbox("153-pull-memory");
const LIMIT = 150 << 20;
const ZEROS = Buffer.alloc(16 << 20);
let stub: StubRegistry;

beforeAll(async () => {
  stub = await StubRegistry.start();
});
afterAll(() => stub.stop());
beforeEach(async () => {
  await box.kelp(["rmi", "--all", "--force"]);
});

/** A layer with one file of so many times 16 MiB, which compress to next to nothing: as gzip members, made at once. */
function hugeLayer(times: number): { blob: Buffer; diffId: string } {
  const header = rawTar([{ name: "huge", size: ZEROS.length * times }], { end: false }).subarray(0, 512);
  const end = Buffer.alloc(1024);
  const member = gzipSync(ZEROS, { level: 1 });
  const hash = createHash("sha256").update(header);
  for (let n = 0; n < times; n++) hash.update(ZEROS);
  const blob = Buffer.concat([gzipSync(header), ...Array<Buffer>(times).fill(member), gzipSync(end)]);
  return { blob, diffId: `sha256:${hash.update(end).digest("hex")}` };
}

function pull(name: string) {
  return peakMemory(KELP, ["pull", "-q", "--tls-verify=false", `${stub.host}/${name}:1`], box.env);
}

test("a layer of two gigabytes takes no more memory than one of 32 megabytes", async () => {
  for (const [name, times] of [
    ["small", 2],
    ["huge", 128],
  ] as const) {
    const { blob, diffId } = hugeLayer(times);
    stub.addRaw(`t/${name}`, "1", [{ blob, diffId }]);
  }
  const small = await pull("t/small");
  const huge = await pull("t/huge");
  console.log(`peak: ${small.peak >> 20} MB small, ${huge.peak >> 20} MB huge`);
  expect([small.code, huge.code]).toEqual([0, 0]);
  expect(small.peak).toBeGreaterThan(10 << 20);
  expect(huge.peak).toBeLessThan(LIMIT);
  expect(huge.peak - small.peak).toBeLessThan(32 << 20);
}, 180_000);

test("ten layers at once stay under the limit", async () => {
  const noise = randomBytes(4 << 20);
  const layers = [];
  for (let n = 0; n < 10; n++)
    layers.push({
      tar: await makeTar(
        Array.from({ length: 5 }, (_, i) => ({
          name: `l${n}/f${i}`,
          content: Buffer.concat([Buffer.from([n, i]), noise]),
        })),
      ),
    });
  stub.add("t/ten", "1", layers);
  const { code, peak } = await pull("t/ten");
  console.log(`peak: ${peak >> 20} MB`);
  expect(code).toBe(0);
  expect(peak).toBeLessThan(LIMIT);
}, 180_000);
