/** What `run` promises: its exit status, its streams, and nothing left behind. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("030-run");
const run = (...words: string[]) => box.kelp(["run", "--rm", ...words]);

requires("overlay").test("the image is loaded", async () => {
  await box.ok(["load", "--input", await busyboxArchive()]);
});

describe("exit status", () => {
  const cases: [string[], number, RegExp][] = [
    [["true"], 0, /^$/],
    [["false"], 1, /^$/],
    [["sh", "-c", "exit 32"], 32, /^$/],
    [["/no/such/command"], 127, /^Error: .*no such file or directory/i],
    [["/etc"], 126, /^Error: .*permission denied/],
  ];
  for (const [command, code, stderr] of cases) {
    requires("overlay").test(`of ${command.join(" ")} is ${code}`, async () => {
      const result = await run(BUSYBOX, ...command);
      expect(result.code).toBe(code);
      expect(result.stderr).toMatch(stderr);
    });
  }
  requires("overlay").test("of a command killed by signal 9 is 137", async () => {
    expect((await run("--init", BUSYBOX, "sh", "-c", "kill -9 $$")).code).toBe(137);
  });
  requires("overlay").test("of a working directory that is not there is 126", async () => {
    expect((await run("--workdir", "/i/do/not/exist", BUSYBOX, "pwd")).code).toBe(126);
  });
});

requires("overlay").test("--rm leaves no container, no file and no process", async () => {
  await run(BUSYBOX, "true");
  await run(BUSYBOX, "/no/such/command");
  expect(await box.ok(["ps", "--all", "--quiet"])).toBe("");
});

requires("overlay").test("standard input reaches the command with --interactive only", async () => {
  const stdin = "some words\n";
  expect((await box.kelp(["run", "--rm", "-i", BUSYBOX, "cat"], { stdin })).stdout).toBe(stdin);
  expect((await box.kelp(["run", "--rm", BUSYBOX, "cat"], { stdin })).stdout).toBe("");
});

requires("overlay").test("big output arrives whole", async () => {
  const { stdout } = await run(BUSYBOX, "sh", "-c", "seq 1 100000");
  expect(stdout.length).toBe(588895);
});

requires("overlay").test("an ordinary user of the image can work in it", async () => {
  expect(
    (await run("--user", "100", BUSYBOX, "sh", "-c", "id -u; ls / >/dev/null && echo fine")).stdout,
  ).toBe("100\nfine\n");
});

requires("overlay").test("a name in use is refused with its owner, and --replace takes it over", async () => {
  const first = await box.ok(["create", "--name", "taken", BUSYBOX, "true"]);
  const second = await box.kelp(["create", "--name", "taken", BUSYBOX, "true"]);
  expect(second.code).toBe(125);
  expect(second.stderr).toContain(
    `the container name "taken" is already in use by ${first}. You have to remove that container`,
  );
  const third = await box.ok(["create", "--replace", "--name", "taken", BUSYBOX, "true"]);
  expect(await box.ok(["inspect", "--format", "{{.Id}}", "taken"])).toBe(third);
  await box.ok(["rm", "taken"]);
});

test("names that could be paths are refused", async () => {
  for (const name of ["../x", "a/b", ".", "a\nb", "é"]) {
    const { code, stderr } = await box.kelp(["create", "--name", name, BUSYBOX]);
    expect({ name, code, stderr }).toMatchObject({
      code: 125,
      stderr: expect.stringContaining("names must match"),
    });
  }
});

requires("overlay").test(
  "--cidfile and --pidfile are written, and the cidfile goes with the container",
  async () => {
    const [cid, pid] = [join(box.directory, "cid"), join(box.directory, "pid")];
    writeFileSync(cid, "x".repeat(120));
    const id = await box.ok(["run", "-d", "--cidfile", cid, "--pidfile", pid, BUSYBOX, "sleep", "100"]);
    expect(readFileSync(cid, "utf8")).toBe(id);
    expect(readFileSync(pid, "utf8").trim()).toBe(
      await box.ok(["inspect", "--format", "{{.State.Pid}}", id]),
    );
    expect(await box.ok(["rm", "--force", "--time", "0", "--cidfile", cid])).toBe(id);
    expect(existsSync(cid)).toBe(false);
  },
);

requires("overlay").test(
  "environment: flags, files and globs of the caller, never the image's wish",
  async () => {
    const file = join(box.directory, "env");
    writeFileSync(file, "# comment\nFROM_FILE=1\nOVER=file\n");
    const { stdout } = await box.kelp(
      ["run", "--rm", "-e", "OVER=flag", "-e", "GIVEN", "-e", "PRE*", "--env-file", file, BUSYBOX, "env"],
      { env: { GIVEN: "given", PRE_A: "a", SECRET: "token" } },
    );
    for (const line of ["OVER=flag", "GIVEN=given", "PRE_A=a", "FROM_FILE=1", "container=podman"])
      expect(stdout).toContain(`${line}\n`);
    expect(stdout).not.toContain("token");
  },
);

requires("overlay").test("mounts: bind, read-only bind, tmpfs, and a missing source", async () => {
  const source = join(box.directory, "home");
  writeFileSync(join(source, "here"), "bound");
  expect((await run("-v", `${source}:/data`, BUSYBOX, "cat", "/data/here")).stdout).toBe("bound");
  expect((await run("-v", `${source}:/data:ro`, BUSYBOX, "touch", "/data/new")).code).toBe(1);
  expect((await run("--tmpfs", "/scratch", BUSYBOX, "touch", "/scratch/new")).code).toBe(0);
  expect((await run("-v", "/nonexistent:/data", BUSYBOX, "true")).stderr).toContain(
    "statfs /nonexistent: no such file or directory",
  );
  expect(existsSync(join(source, "new"))).toBe(false);
});
