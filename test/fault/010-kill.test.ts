/**
 * `kill -9` at any moment: what the next command finds must be readable, usable and clean.
 * TEST_SEED repeats a run; TEST_KILLS sets how often each kind of work is killed.
 */
import { beforeAll, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { BUSYBOX, busyboxArchive, KELP, processesUsing, useSandbox } from "../support/index.ts";
import { randomNumbers } from "../support/random.ts";

const box = useSandbox("010-kill");
const SEED = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
const KILLS = Number(process.env.TEST_KILLS ?? 40);

const random = randomNumbers(SEED);

/** Starts kelp and kills it, and whatever it has started of ours, after a random time up to `limit` ms. */
async function killedAfter(limit: number, args: readonly string[]): Promise<void> {
  const child = spawn(KELP, args, { env: box.env, cwd: box.directory, stdio: "ignore", detached: true });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  await Bun.sleep(random() * limit);
  try {
    process.kill(-(child.pid ?? 0), "SIGKILL");
  } catch {
    // it had ended by itself
  }
  await ended;
}

function checkDatabase(): void {
  const path = join(box.directory, "data", "kelp", "kelp.db");
  if (!existsSync(path)) return;
  const database = new DatabaseSync(path);
  expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  database.close();
}

function namesIn(...parts: string[]): string[] {
  const path = join(box.directory, ...parts);
  return existsSync(path) ? readdirSync(path) : [];
}

async function expectUsable(): Promise<void> {
  checkDatabase();
  expect(await box.kelp(["ps", "-a", "-q"])).toMatchObject({ code: 0, stderr: "" });
  expect(await box.kelp(["images", "-q"])).toMatchObject({ code: 0, stderr: "" });
}

/** Everything is removed by name-less commands alone, and nothing is left of it. */
async function expectClean(): Promise<void> {
  expect(await box.ok(["run", "--rm", BUSYBOX, "echo", "alive"])).toBe("alive");
  expect(await box.kelp(["rm", "--all", "--force", "--time", "0"])).toMatchObject({ code: 0 });
  expect(await box.ok(["ps", "-a", "-q"])).toBe("");
  expect(namesIn("data", "kelp", "containers")).toEqual([]);
  // The keeper of the uplink ends after the last monitor, by itself.
  await eventually(() => processesUsing([box.directory, box.runtime]).length === 0);
  expect(processesUsing([box.directory, box.runtime])).toEqual([]);
}

async function eventually(check: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 40 && !(await check()); attempt++) await Bun.sleep(50);
}

beforeAll(async () => {
  console.log(`TEST_SEED=${SEED}`);
  await box.ok(["load", "-q", "-i", await busyboxArchive()]);
}, 60_000);

test("killing run --rm leaves no container behind", async () => {
  for (let round = 0; round < KILLS; round++) {
    await killedAfter(40, ["run", "--rm", "--name", `kill${round}`, BUSYBOX, "sleep", "0.02"]);
    await expectUsable();
  }
  await expectClean();
}, 120_000);

test("killing run -d leaves a container that is there as a whole or not at all", async () => {
  for (let round = 0; round < KILLS; round++) {
    await killedAfter(40, ["run", "-d", "--name", `detached${round}`, BUSYBOX, "sleep", "300"]);
    const names = (await box.ok(["ps", "-a", "--format", "{{.Names}}"])).split("\n").filter(Boolean);
    for (const name of names)
      expect(await box.kelp(["inspect", name])).toMatchObject({ code: 0, stderr: "" });
  }
  await expectClean();
}, 120_000);

test("a killed monitor takes its container along, and is told of", async () => {
  await box.ok(["run", "-d", "--name", "orphan", BUSYBOX, "sleep", "300"]);
  const pids = await box.ok(["inspect", "--format", "{{.State.ConmonPid}} {{.State.Pid}}", "orphan"]);
  const [monitor = 0, first = 0] = pids.split(" ").map(Number);
  process.kill(monitor, "SIGKILL");
  await eventually(() => !existsSync(`/proc/${first}`));
  expect(existsSync(`/proc/${first}`)).toBe(false);
  expect(await box.ok(["ps", "-q"])).toBe("");
  expect(await box.ok(["inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "orphan"])).toBe(
    "exited 137",
  );
  expect(await box.ok(["start", "orphan"])).toBe("orphan");
  await expectClean();
}, 60_000);

test("killing load leaves no half of an image, and the next load works", async () => {
  await box.ok(["rmi", "--force", BUSYBOX]);
  for (let round = 0; round < KILLS; round++) {
    await killedAfter(120, ["load", "-q", "-i", await busyboxArchive()]);
    const { stdout } = await box.kelp(["images", "-q"]);
    if (stdout !== "") expect(await box.ok(["run", "--rm", BUSYBOX, "echo", "whole"])).toBe("whole");
    await box.kelp(["rmi", "--all", "--force"]);
  }
  await box.ok(["load", "-q", "-i", await busyboxArchive()]);
  expect(await box.ok(["run", "--rm", BUSYBOX, "echo", "whole"])).toBe("whole");
  // Probes and removals of others get a minute; what load makes is swept by the next one.
  const made = namesIn("data", "kelp", "tmp").filter((name) => !/^(probe|container)-/.test(name));
  expect(made).toEqual([]);
}, 180_000);
