/** The database under writers that are many, that are killed, and that find no space. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { layersDir, resolvePaths } from "../../src/host/index.ts";
import { State } from "../../src/state/index.ts";

const WRITER = join(import.meta.dirname, "support", "state-writer.ts");
const FULL_DISK = join(import.meta.dirname, "support", "full-disk.ts");
/** Printed on failure; KELP_TEST_SEED repeats a run's delays. */
const seed = Number(process.env.KELP_TEST_SEED ?? Date.now() % 1_000_000);

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kelp-fault-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Outcome {
  readonly acknowledged: readonly string[];
  readonly status: number | null;
  readonly errors: string;
}

/** Runs a writer and kills it after `killAfter` milliseconds from its first acknowledgement, or from its start. */
async function runWriter(
  tag: string,
  count: number,
  killAfter?: { ms: number; from: "start" | "first" },
): Promise<Outcome> {
  const child = spawn(process.execPath, [WRITER, root, tag, String(count)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  const kill = () => setTimeout(() => child.kill("SIGKILL"), killAfter?.ms);
  if (killAfter?.from === "start") kill();
  child.stdout.on("data", (chunk) => {
    if (output === "" && killAfter?.from === "first") kill();
    output += chunk;
  });
  child.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const ended = Promise.all([once(child.stdout, "end"), once(child.stderr, "end")]);
  const [status] = (await once(child, "exit")) as [number | null];
  await ended;
  // A torn last line was not an acknowledgement yet.
  return { acknowledged: output.split("\n").slice(0, -1), status, errors };
}

const paths = () => resolvePaths({ root: join(root, "data"), runroot: join(root, "run") });

/** What must hold after whatever happened. */
function checkStore(acknowledged: readonly string[]): void {
  const file = join(paths().data, "kelp.db");
  if (!existsSync(file)) {
    expect(acknowledged).toEqual([]);
    return;
  }
  const raw = new DatabaseSync(file);
  expect(
    raw
      .prepare("PRAGMA integrity_check")
      .all()
      .map((row) => Object.values(row)[0]),
  ).toEqual(["ok"]);
  expect(raw.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
  raw.close();

  const state = new State(paths());
  const volumes = new Set(state.volumes.list().map((volume) => volume.name));
  const layers = state.layers.list();
  const chains = new Set(layers.map((layer) => layer.chainId));
  for (const container of state.containers.list()) expect(volumes).toContain(container.name);
  for (const name of acknowledged) {
    expect(volumes).toContain(name);
    expect(chains).toContain(name);
  }
  for (const layer of layers) expect(existsSync(join(layersDir(paths()), String(layer.row)))).toBe(true);
  state.close();
}

/** A small generator, so that a seed repeats the run. */
function random(state: number): () => number {
  let value = state;
  return () => {
    value = (value * 1_103_515_245 + 12_345) % 2_147_483_648;
    return value / 2_147_483_648;
  };
}

test("sixteen processes make a store together and write to it, and none fails", async () => {
  const outcomes = await Promise.all(Array.from({ length: 16 }, (_, i) => runWriter(`w${i}`, 10)));
  for (const { status, errors } of outcomes) expect({ status, errors }).toEqual({ status: 0, errors: "" });
  checkStore(outcomes.flatMap((outcome) => outcome.acknowledged));
  const state = new State(paths());
  expect(state.volumes.list()).toHaveLength(160);
  expect(state.containers.list()).toHaveLength(160 - 16 * 2);
  state.close();
}, 60_000);

test(`writers killed at random leave a consistent store with all they acknowledged (seed ${seed})`, async () => {
  const next = random(seed);
  const acknowledged: string[] = [];
  for (let round = 0; round < 12; round++) {
    const writers = [0, 1, 2].map((i) =>
      runWriter(`r${round}w${i}`, 10_000, { ms: Math.floor(next() * 60), from: "first" }),
    );
    for (const outcome of await Promise.all(writers)) {
      expect(outcome.errors).toBe("");
      acknowledged.push(...outcome.acknowledged);
    }
    checkStore(acknowledged);
  }
  expect(acknowledged.length).toBeGreaterThan(20);
}, 120_000);

test(`a process killed while it makes the store leaves none, or a whole one (seed ${seed})`, async () => {
  const next = random(seed);
  for (let round = 0; round < 15; round++) {
    const { acknowledged } = await runWriter("first", 3, { ms: 20 + Math.floor(next() * 80), from: "start" });
    checkStore(acknowledged);
    const survivor = await runWriter(`second${round}`, 1);
    expect(survivor).toMatchObject({ status: 0, errors: "" });
    rmSync(root, { recursive: true });
    mkdirSync(root);
  }
}, 120_000);

/** What full-disk.ts found on a filesystem of that size. */
async function onDiskOf(kilobytes: number, rows = 0) {
  const script = `mount -t tmpfs -o size=${kilobytes}k,mode=700 none "$1" && exec "$2" "$3" "$1" ${rows}`;
  const argv = ["-rm", "sh", "-c", script, "sh", root, process.execPath, FULL_DISK];
  const child = Bun.spawn(["unshare", ...argv], { stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

test("a full disk is said to be full, loses nothing and is fit again once there is space", async () => {
  const result = await onDiskOf(1024);
  expect(result).toMatchObject({ first: "disk-full", roomy: "done", full: "disk-full", again: "done" });
  const more = Array.from({ length: result.written - 1 }, (_, i) => `more-${i}`);
  expect(result.whileFull).toEqual(["kept", ...more]);
  expect(result.finally).toEqual(["kept", ...more, "again"]);
}, 60_000);

test("from a full disk something can be removed", async () => {
  const { full, removed } = await onDiskOf(24 << 10, 200);
  expect(full).toBe("disk-full");
  expect(removed).toBeGreaterThan(3);
}, 60_000);

test("wherever in the making of a store the space ends, there is none or a whole one, and it can be read", async () => {
  for (let kilobytes = 32; kilobytes <= 224; kilobytes += 8) {
    const result = await onDiskOf(kilobytes);
    for (const step of ["first", "roomy", "full", "again"]) {
      expect(result[step]).toBeOneOf(
        step === "first" || step === "full" ? ["disk-full"] : ["done", "disk-full"],
      );
    }
    const kept = result.roomy === "done" ? ["kept"] : [];
    expect(result.whileFull).toEqual(kept);
    expect(result.finally).toEqual(result.again === "done" ? [...kept, "again"] : kept);
  }
}, 60_000);

test("a store cut off in the middle of its log is read up to the last whole transaction", async () => {
  const { acknowledged } = await runWriter("a", 10_000, { ms: 30, from: "first" });
  const log = join(paths().data, "kelp.db-wal");
  const bytes = readFileSync(log);
  await Bun.write(log, bytes.subarray(0, Math.floor(bytes.length * 0.6)));
  rmSync(`${paths().data}/kelp.db-shm`);
  const state = new State(paths());
  const names = new Set(state.volumes.list().map((volume) => volume.name));
  // Records that came last are gone with the log's end; what is there is whole.
  for (const container of state.containers.list()) expect(names).toContain(container.name);
  expect(names.size).toBeLessThanOrEqual(acknowledged.length + 1);
  state.close();
  checkStore([]);
  expect(readdirSync(join(paths().data, "tmp"))).toEqual([]);
}, 60_000);
