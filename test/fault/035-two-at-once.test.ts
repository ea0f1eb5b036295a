/** Two commands about the same thing at the same time: whichever comes first, what both said afterwards is true. */
import { beforeAll, expect } from "bun:test";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, type KelpResult, requires, useSandbox } from "../support/index.ts";
import { processesUsing } from "../support/leaks.ts";

const box = useSandbox("035-two-at-once");
const { test } = requires("busybox", "overlay", "subuid");
const ROUNDS = 4;

beforeAll(async () => {
  await box.ok(["load", "-q", "-i", await busyboxArchive()]);
  // The directory is there and empty: nothing is copied up that would show.
  await box.ok(["run", "--name", "base", "--network", "none", BUSYBOX, "mkdir", "/empty"]);
  await box.ok(["commit", "-q", "base", "based"]);
}, 240_000);

const together = (...commands: (readonly string[])[]): Promise<KelpResult[]> =>
  Promise.all(commands.map((args) => box.kelp(args)));

const rounds = (work: (round: number) => Promise<void>) => async () => {
  for (let round = 0; round < ROUNDS; round++) await work(round);
  await expectSound();
};

async function expectSound(): Promise<void> {
  expect(await box.kelp(["system", "check"])).toEqual({ code: 0, stdout: "", stderr: "" });
}

/** Only one container has such a process at a time. */
const sleepers = () => processesUsing([box.directory]).filter((line) => line.endsWith(": sleep 300"));

test("of many starts of a container that has ended one starts it, and the others say so", async () => {
  await box.ok(["run", "--name", "many", "--network", "none", BUSYBOX, "true"]);
  await box.ok(["rm", "many"]);
  await box.ok(["create", "--name", "many", "--network", "none", BUSYBOX, "sleep", "300"]);
  await rounds(async () => {
    const results = await together(...Array.from({ length: 5 }, () => ["start", "many"]));
    for (const { code, stderr } of results)
      if (code !== 0) expect(stderr).toMatch(/is already running|is being started by another process/);
    expect(results.some(({ code }) => code === 0)).toBe(true);

    expect(sleepers()).toHaveLength(1);
    await box.ok(["kill", "many"]);
  })();
  await box.ok(["rm", "many"]);
}, 240_000);

test(
  "a container that is started while it is removed runs, or is gone with all it had",
  rounds(async (round) => {
    const name = `race${round}`;
    const id = await box.ok(["create", "--name", name, "--network", "none", BUSYBOX, "sleep", "300"]);
    const [start, rm] = (await together(["start", name], ["rm", name])) as [KelpResult, KelpResult];
    const running = await box.ok(["ps", "-q", "--no-trunc", "--filter", `name=${name}`]);
    expect(running).toBe(rm.code === 0 ? "" : id);
    expect(sleepers()).toHaveLength(rm.code === 0 ? 0 : 1);
    expect([start.code === 0, rm.code === 0].filter(Boolean)).toHaveLength(1);
    expect(`${start.stderr}${rm.stderr}`).not.toContain("internal error");
    await box.kelp(["rm", "-f", "-t", "0", name]);
  }),
  240_000,
);

test("every network that a container was connected to at the same time is its own", async () => {
  const names = ["n0", "n1", "n2", "n3"];
  for (const name of names) await box.ok(["network", "create", name]);
  await rounds(async () => {
    await box.ok(["create", "--name", "joiner", BUSYBOX, "true"]);
    const joined = await together(...names.map((name) => ["network", "connect", name, "joiner"]), [
      "update",
      "--restart",
      "on-failure",
      "joiner",
    ]);
    expect(joined.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    const format =
      "{{range $n, $_ := .NetworkSettings.Networks}}{{$n}} {{end}}{{.HostConfig.RestartPolicy.Name}}";
    expect((await box.ok(["inspect", "-f", format, "joiner"])).split(" ").toSorted()).toEqual([
      "kelp",
      ...names,
      "on-failure",
    ]);
    await box.ok(["rm", "joiner"]);
  })();
  await box.ok(["network", "rm", ...names]);
}, 240_000);

test(
  "a volume that is removed and used at the same time has what was written to it, or is gone",
  rounds(async (round) => {
    await box.ok(["volume", "create", "shared"]);
    const write = ["run", "--name", "writer", "--network", "none", "-v", "shared:/v", BUSYBOX, "sh", "-c"];
    const [, written] = await together(["volume", "rm", "shared"], [...write, `echo ${round} >/v/f`]);
    expect(written).toMatchObject({ code: 0, stderr: "" });
    const read = await box.kelp([
      "run",
      "--rm",
      "--volumes-from",
      "writer",
      "--network",
      "none",
      BUSYBOX,
      "cat",
      "/v/f",
    ]);
    expect(read).toMatchObject({ code: 0, stdout: `${round}\n` });
    await box.ok(["rm", "writer"]);
    await box.ok(["volume", "rm", "shared"]);
  }),
  240_000,
);

test(
  "an image that is removed while a container is made of it stays, or there is no container",
  rounds(async (round) => {
    await box.ok(["tag", BUSYBOX, "localhost/given:1"]);
    await box.ok(["commit", "-q", "-c", `ENV N=${round}`, "base", "localhost/mine:1"]);
    const create = [
      "create",
      "--name",
      "made",
      "--pull",
      "never",
      "--network",
      "none",
      "localhost/mine:1",
      "true",
    ];
    const [removed, created] = (await together(["rmi", "localhost/mine:1"], create)) as [
      KelpResult,
      KelpResult,
    ];
    expect(`${removed.stderr}${created.stderr}`).not.toContain("internal error");
    if (created.code === 0) expect(await box.ok(["start", "-a", "made"])).toBe("");
    await box.kelp(["rm", "made"]);
    await box.kelp(["rmi", "localhost/mine:1"]);
  }),
  240_000,
);

test(
  "an image that gets another name while its only one is removed is there under the other",
  rounds(async (round) => {
    await box.ok(["commit", "-q", "-c", `ENV N=${round}`, "base", "localhost/mine:1"]);
    const [, tagged] = await together(
      ["rmi", "localhost/mine:1"],
      ["tag", "localhost/mine:1", "localhost/kept:1"],
    );
    expect(tagged!.stderr).toBeOneOf(["", "Error: localhost/mine:1: image not known\n"]);
    expect((await box.kelp(["image", "exists", "localhost/kept:1"])).code).toBe(tagged!.code === 0 ? 0 : 1);
    await box.kelp(["rmi", "localhost/kept:1"]);
  }),
  240_000,
);

test("a volume without content keeps its directory as long as a container has it mounted", async () => {
  await box.ok([
    "run",
    "-d",
    "--name",
    "first",
    "--network",
    "none",
    "-v",
    "bare:/empty",
    "based",
    "sleep",
    "300",
  ]);
  await box.ok(["run", "--rm", "--network", "none", "-v", "bare:/empty", "based", "true"]);
  await box.ok(["exec", "first", "sh", "-c", "echo kept >/empty/f"]);
  const other = ["run", "--rm", "--network", "none", "-v", "bare:/empty", "based", "cat", "/empty/f"];
  expect(await box.ok(other)).toBe("kept");
  await box.ok(["rm", "-f", "-t", "0", "first"]);
  await box.ok(["volume", "rm", "bare"]);
}, 240_000);

test("a container that cannot be made leaves no volume behind", async () => {
  const args = ["create", "--name", "base", "-v", "/anonymous", "-v", "named:/n", BUSYBOX];
  expect(await box.kelp(args)).toMatchObject({
    code: 125,
    stderr: expect.stringContaining("already in use"),
  });
  expect(await box.ok(["volume", "ls", "-q"])).toBe("");
  expect([
    ...new Bun.Glob("*").scanSync({ cwd: join(box.directory, "data/kelp/volumes"), onlyFiles: false }),
  ]).toEqual([]);
  await expectSound();
});

test("a reset takes away what is there, and nothing of what is made beside it is left without a record", async () => {
  await box.ok(["rm", "base"]);
  for (let round = 0; round < 3; round++) {
    await box.ok(["load", "-q", "-i", await busyboxArchive()]);
    const runs = [0, 1, 2, 3].map((n) => [
      "run",
      "-d",
      "--name",
      `b${n}`,
      "-v",
      "v:/v",
      BUSYBOX,
      "sleep",
      "300",
    ]);
    const [reset, ...ran] = await together(["system", "reset", "--force"], ...runs, [
      "volume",
      "create",
      "w",
    ]);
    expect(reset).toEqual({ code: 0, stdout: "", stderr: "" });
    for (const { stderr } of ran) expect(stderr).not.toContain("internal error");
    const running = await box.ok(["ps", "-q"]);
    await until(
      "that only what is recorded runs",
      () => sleepers().length === running.split("\n").filter(Boolean).length,
    );
    await box.ok(["system", "check", "--repair"]);
    await expectSound();
    await box.ok(["rm", "--all", "--force", "--time", "0"]);
  }
}, 240_000);

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (holds()) return;
    await Bun.sleep(50);
  }
  throw new Error(`waited in vain for: ${what}`);
}
