/** --rm: nothing is left of a container that has ended, however it ended. */
import { expect } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, KELP, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("052-rm");
const { test } = requires("overlay");
const store = join(box.env.XDG_DATA_HOME!, "kelp");
const files = () => [...readdirSync(join(store, "containers")), ...readdirSync(join(store, "tmp"))];

/** What happens after the monitor has gone is done by nobody we could wait for. */
async function eventually(check: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 40 && !(await check()); attempt++) await Bun.sleep(50);
  expect(await check()).toBe(true);
}

test("the image is loaded", async () => {
  await box.ok(["load", "--input", await busyboxArchive()]);
});

test("its anonymous volume goes along, its named one stays", async () => {
  await box.ok([
    "run",
    "--rm",
    "-v",
    "/scratch",
    "-v",
    "kept:/kept",
    BUSYBOX,
    "touch",
    "/scratch/a",
    "/kept/b",
  ]);
  await eventually(async () => (await box.ok(["volume", "ls", "--quiet"])) === "kept");
  expect(files()).toEqual([]);
  expect(readdirSync(join(store, "volumes"))).toEqual(["kept"]);
});

test("an anonymous volume that another container mounts stays until that one goes", async () => {
  await box.ok(["run", "-d", "--rm", "--name", "first", "-v", "/data", BUSYBOX, "sleep", "100"]);
  await box.ok(["exec", "first", "sh", "-c", "echo precious >/data/file"]);
  const volume = await box.ok(["volume", "ls", "--quiet", "--filter", "dangling=false"]);
  const name = volume.split("\n").find((line) => line !== "kept")!;
  await box.ok(["create", "--name", "second", "-v", `${name}:/data`, BUSYBOX, "cat", "/data/file"]);
  await box.ok(["kill", "first"]);
  await eventually(async () => (await box.kelp(["container", "exists", "first"])).code === 1);
  expect(await box.ok(["start", "--attach", "second"])).toBe("precious");
  await box.ok(["rm", "--volumes", "second"]);
  expect(await box.ok(["volume", "ls", "--quiet"])).toBe("kept");
});

test("one whose monitor was killed is gone for readers, and its name is free", async () => {
  await box.ok(["run", "-d", "--rm", "--name", "orphan", "-v", "/scratch", BUSYBOX, "sleep", "100"]);
  const monitor = Number(await box.ok(["inspect", "--format", "{{.State.ConmonPid}}", "orphan"]));
  process.kill(monitor, "SIGKILL");
  await eventually(async () => (await box.ok(["ps", "--all", "--quiet"])) === "");
  expect((await box.kelp(["inspect", "orphan"])).code).toBe(125);
  await box.ok(["run", "--rm", "--name", "orphan", BUSYBOX, "true"]);
  expect(await box.ok(["volume", "ls", "--quiet"])).toBe("kept");
  expect(files()).toEqual([]);
});

test("a failed start leaves neither row nor files", async () => {
  const { code } = await box.kelp(["run", "--rm", "--name", "never", BUSYBOX, "no-such-program"]);
  expect(code).toBe(127);
  expect(await box.ok(["ps", "--all", "--quiet"])).toBe("");
  expect(files()).toEqual([]);
});

/** A `restart` that waits for its container to hear the stop signal, which it never does. */
async function restarting(name: string) {
  await box.ok(["run", "-d", "--rm", "--name", name, "-v", "/scratch", BUSYBOX, "sleep", "100"]);
  const first = Number(await box.ok(["inspect", "--format", "{{.State.Pid}}", name]));
  const child = Bun.spawn([KELP, "restart", "--time", "1000", name], { env: box.env, stdin: "ignore" });
  const state = () => box.ok(["ps", "--all", "--filter", `name=${name}`, "--format", "{{.State}}"]);
  await eventually(async () => (await state()) === "stopping");
  return { first, child, state };
}

test("a restart that is killed before its container ends leaves the removal to the monitor", async () => {
  const { first, child, state } = await restarting("early");
  child.kill("SIGKILL");
  await child.exited;
  expect(await state()).toBe("stopping");
  process.kill(first, "SIGKILL");
  await eventually(async () => files().length === 0);
  expect(await box.ok(["volume", "ls", "--quiet"])).toBe("kept");
});

test("between its lives a container that is restarted is there; when the restart dies then, it is gone", async () => {
  const { first, child, state } = await restarting("late");
  child.kill("SIGSTOP");
  process.kill(first, "SIGKILL");
  await eventually(async () => (await state()) === "exited");
  expect(files().length).toBe(1);
  child.kill("SIGKILL");
  await child.exited;
  expect(await state()).toBe("");
  expect((await box.kelp(["start", "late"])).code).toBe(125);
  expect(await box.ok(["volume", "ls", "--quiet"])).toBe("kept");
  expect(files()).toEqual([]);
});
