/** A full disk beneath the logs: containers go on, what is lost is told, what was there stays whole. */
import { expect } from "bun:test";
import { closeSync, openSync, readFileSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, smallDisk, until, useSandbox } from "../support/index.ts";

const disk = smallDisk() ?? "";
const logs = join(disk, "logs");
/** The store is elsewhere: only what is said is on the small disk. */
const box = useSandbox("025-full-log", { TMPDIR: "/var/tmp" });
const { test } = requires("smalldisk", "overlay");

const filler = join(disk, "filler");

function fill(): void {
  const fd = openSync(filler, "w");
  const chunk = Buffer.alloc(4096);
  try {
    for (;;) if (writeSync(fd, chunk) < chunk.length) break;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  } finally {
    closeSync(fd);
  }
}

test("the image is loaded", async () => {
  await box.ok(["load", "-q", "-i", await busyboxArchive()]);
});

test("a container whose log is on a full disk goes on, its log stays whole, and `logs` says what it lacks", async () => {
  const path = `${logs}.ctr`;
  const script = "i=0; while :; do i=$((i + 1)); echo line $i; echo $i >/count; sleep 0.01; done";
  await box.ok(["run", "-d", "--name", "talker", "--log-opt", `path=${path}`, BUSYBOX, "sh", "-c", script]);
  await until("some lines", () => readFileSync(path, "utf8").split("\n").length > 5);
  fill();
  const count = async () => Number(await box.ok(["exec", "talker", "cat", "/count"]));
  await until(
    "that the loss is told",
    async () => (await box.kelp(["logs", "--tail", "1", "talker"])).stderr !== "",
  );
  expect(statfsSync(disk).bavail).toBe(0);
  const before = await count();
  await until("that it goes on", async () => (await count()) > before + 20);
  const cut = readFileSync(path, "utf8");
  expect(
    cut
      .split("\n")
      .slice(0, -1)
      .filter((line) => !/^\S+ stdout F line \d+$/.test(line)),
  ).toEqual([]);
  expect(cut).toEndWith("\n");

  rmSync(filler);
  const last = await count();
  const shown = async () => box.kelp(["logs", "talker"]);
  await until("newer lines", async () => (await shown()).stdout.includes(`line ${last + 20}\n`));
  const { code, stdout, stderr } = await shown();
  expect(code).toBe(0);
  expect(
    stdout
      .split("\n")
      .slice(0, -1)
      .filter((line) => !/^line \d+$/.test(line)),
  ).toEqual([]);
  expect(stderr).toContain(
    "the log of talker lacks some of its output, which could not be written: no space left on device",
  );
  await box.ok(["rm", "-f", "-t", "0", "talker"]);
}, 120_000);

test("a full disk beneath the log of events loses events, says so, and harms no other", async () => {
  const conf = join(box.directory, "events.conf");
  await Bun.write(conf, `[engine]\nevents_logfile_path = "${logs}.events"\n`);
  const env = { CONTAINERS_CONF_OVERRIDE: conf };
  const kelp = (...args: string[]) => box.kelp(args, { env });
  const names = async () =>
    (await kelp("events", "--stream=false", "--filter", "type=volume", "--format", "{{.Status}} {{.Name}}"))
      .stdout;
  expect(await kelp("volume", "create", "one")).toMatchObject({ code: 0, stderr: "" });
  // A line that ends in the middle of a block: the disk is full behind it.
  fill();
  let told = "";
  for (let i = 0; i < 100 && told === ""; i++) {
    const { code, stderr } = await kelp("volume", "create", `v${i}`);
    expect(code).toBe(0);
    told = stderr;
  }
  expect(told).toContain(`events are lost: cannot write ${logs}.events: no space left on device`);
  expect(await kelp("run", "--rm", "--network", "none", BUSYBOX, "echo", "runs")).toMatchObject({
    code: 0,
    stdout: "runs\n",
  });
  expect(await names()).toStartWith("create one\ncreate v0\n");

  rmSync(filler);
  expect(await kelp("volume", "create", "last")).toMatchObject({ code: 0, stderr: "" });
  expect(await names()).toEndWith("create last\n");
  await box.ok(["volume", "rm", "--all"]);
}, 120_000);
