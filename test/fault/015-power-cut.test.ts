/**
 * The power fails, or the process is killed, at any moment of what changes images: the next command works, the
 * check is clean or mends what it finds, and no image that was there before is lost. Everything of the command is
 * stopped, its store copied as the disk would keep it (with what was not synced yet cut short), then it is killed:
 * copy and store must both be fit. TEST_SEED repeats a run; TEST_KILLS sets how often each command is cut off.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, busyboxFiles, KELP, makeTar, run, useSandbox } from "../support/index.ts";
import { randomNumbers } from "../support/random.ts";
import { type StubImage, StubRegistry } from "../support/stub-registry.ts";

const box = useSandbox("015-power-cut");
const SEED = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
const KILLS = Number(process.env.TEST_KILLS ?? 3);
const random = randomNumbers(SEED);
const archive = join(box.directory, "other.tar");

let stub: StubRegistry;
let image: StubImage;
let name: string;

beforeAll(async () => {
  console.log(`TEST_SEED=${SEED}`);
  stub = await StubRegistry.start();
  const noise = await Promise.all(
    [1, 2, 3].map((n) => makeTar([{ name: `noise${n}`, content: randomBytes(400_000) }])),
  );
  const tars = [await makeTar(busyboxFiles()), ...noise];
  image = stub.add(
    "t/app",
    "1",
    tars.map((tar) => ({ tar })),
  );
  name = `${stub.host}/t/app:1`;
  await box.ok(["load", "-q", "-i", await busyboxArchive()]);
  await box.ok(["pull", "-q", "--tls-verify=false", name]);
  await box.ok(["save", "-q", "-o", archive, name]);
  await box.ok(["rmi", name]);
  await box.ok(["system", "prune", "-f"]);
}, 120_000);
afterAll(() => stub.stop());

/** A store and a runtime directory to look at it with. */
interface Place {
  readonly data: string;
  readonly env: Readonly<Record<string, string>>;
}

const original: Place = { data: join(box.directory, "data"), env: {} };

function kelpIn(place: Place, args: readonly string[]) {
  return box.kelp(args, { env: place.env, timeout: 60_000 });
}

/** Starts a command, stops it somewhere on its way, copies the store, and kills it. */
async function cutOff(args: readonly string[], lasts: number): Promise<Place> {
  const child = spawn(KELP, args, { env: box.env, cwd: box.directory, stdio: "ignore", detached: true });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  await Bun.sleep(random() * lasts);
  signalAll(child, "SIGSTOP");
  const copy = await copyStore();
  signalAll(child, "SIGKILL");
  await ended;
  return copy;
}

function signalAll(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-(child.pid ?? 0), signal);
  } catch {
    // it had ended by itself
  }
}

async function copyStore(): Promise<Place> {
  const data = join(box.directory, "cut");
  const runtime = join(box.runtime, "cut");
  mkdirSync(runtime, { mode: 0o700, recursive: true });
  await run("cp", ["-a", original.data, data]);
  tearUnsynced(join(data, "kelp"));
  return { data, env: { XDG_DATA_HOME: data, XDG_RUNTIME_DIR: runtime } };
}

/** Files under temporary names are synced last of all: of each, any part may be missing. */
function tearUnsynced(store: string): void {
  const parts = [join(store, "tmp"), join(store, "partial")].filter((path) => existsSync(path));
  for (const part of parts) {
    for (const entry of readdirSync(part, { withFileTypes: true })) {
      const path = join(part, entry.name);
      if (entry.isFile() && random() < 0.5) truncateSync(path, Math.floor(random() * statSync(path).size));
    }
  }
}

async function dropCopy(place: Place): Promise<void> {
  const places = [place.data, join(box.runtime, "cut")];
  await run("chmod", ["-R", "u+rwx", ...places]);
  await run("rm", ["-rf", ...places]);
  expect(places.filter((path) => existsSync(path))).toEqual([]);
}

/** Everybody can use the store at once; what is wrong is mended; what must be there is whole. */
async function expectFit(place: Place, kept: readonly string[]): Promise<void> {
  for (const command of [
    ["images", "-q"],
    ["ps", "-a", "-q"],
  ])
    expect(await kelpIn(place, command)).toMatchObject({ code: 0, stderr: "" });
  const repaired = await kelpIn(place, ["system", "check", "--repair"]);
  expect({ code: repaired.code, stdout: repaired.stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^(.*: repaired\n)*$/),
  });
  for (const one of kept) {
    expect(await kelpIn(place, ["run", "--rm", one, "echo", "whole"])).toEqual({
      code: 0,
      stdout: "whole\n",
      stderr: "",
    });
  }
}

interface Work {
  /** Brings the store to where the command begins. */
  readonly before: () => Promise<unknown>;
  readonly args: readonly string[];
  /** Images that must be there whenever it is cut off. */
  readonly kept: readonly string[];
  /** Succeeds when the command has been carried out after all. */
  readonly after: (place: Place) => Promise<unknown>;
}

async function endure(work: Work): Promise<void> {
  await work.before();
  const started = performance.now();
  await box.ok(work.args);
  const lasts = performance.now() - started;
  for (let round = 0; round < KILLS; round++) {
    await work.before();
    const copy = await cutOff(work.args, lasts);
    try {
      for (const place of [copy, original]) {
        await expectFit(place, work.kept);
        await kelpIn(place, work.args);
        await work.after(place);
        expect(await kelpIn(place, ["system", "check"])).toEqual({ code: 0, stdout: "", stderr: "" });
      }
    } finally {
      await dropCopy(copy);
    }
  }
}

const runs = (one: string) => async (place: Place) => {
  expect((await kelpIn(place, ["run", "--rm", one, "echo", "whole"])).stdout).toBe("whole\n");
};
const gone = (one: string) => async (place: Place) => {
  expect(await kelpIn(place, ["image", "exists", one])).toMatchObject({ code: 1 });
};
const withoutApp = async () => {
  await box.kelp(["rmi", "--force", name]);
  await box.ok(["image", "prune", "-f"]);
};
const withApp = () => box.ok(["load", "-q", "-i", archive]);

test("pull", async () => {
  const args = ["pull", "-q", "--tls-verify=false", name];
  await endure({ before: withoutApp, args, kept: [BUSYBOX], after: runs(name) });
  expect(image.layers.length).toBe(4);
}, 300_000);

test("load", async () => {
  const args = ["load", "-q", "-i", archive];
  await endure({ before: withoutApp, args, kept: [BUSYBOX], after: runs(name) });
}, 300_000);

test("commit", async () => {
  await box.ok([
    "run",
    "--name",
    "changed",
    BUSYBOX,
    "sh",
    "-c",
    "mkdir /n; for i in $(seq 300); do echo $i >/n/$i; done; rm /etc/group",
  ]);
  const before = () => box.kelp(["rmi", "--force", "localhost/made:1"]);
  const args = ["commit", "-q", "changed", "localhost/made:1"];
  await endure({ before, args, kept: [BUSYBOX], after: runs("localhost/made:1") });
  await box.ok(["rm", "changed"]);
}, 300_000);

test("rmi", async () => {
  await endure({ before: withApp, args: ["rmi", name], kept: [BUSYBOX], after: gone(name) });
}, 300_000);

test("prune", async () => {
  const before = async () => {
    await withApp();
    await box.ok(["untag", name]);
    await box.kelp(["rm", "--ignore", "ended"]);
    await box.ok(["run", "--name", "ended", BUSYBOX, "sh", "-c", "echo x >/x"]);
  };
  const after = async (place: Place) => {
    expect((await kelpIn(place, ["images", "-q", "-f", "dangling=true"])).stdout).toBe("");
    expect((await kelpIn(place, ["ps", "-a", "-q"])).stdout).toBe("");
  };
  await endure({ before, args: ["system", "prune", "-f"], kept: [BUSYBOX], after });
}, 300_000);
