/** --preserve-fd and --preserve-fds: which of the caller's descriptors a container's process has, and at which numbers. */
import { beforeAll, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, KELP, requires, run, useSandbox } from "../support/index.ts";

const box = useSandbox("035-descriptors");
const { test } = requires("overlay", "busybox");
const GIVEN = "5<<A 7</etc/passwd 9<<B\nfive\nA\nnine\nB\n";
const LOOK = `sh -c 'cat <&5; cat <&9; ls -C /proc/self/fd'`;
/** 3 is what `ls` looks at. */
const SEEN = /^five\nnine\n0 +1 +2 +3 +5 +9\n$/;

/** A line of the shell with $K for kelp, and descriptors 5, 7 and 9. */
const shell = (line: string, given = GIVEN) =>
  run("sh", ["-c", `"$K" ${line} ${given}`], { env: { ...box.env, K: KELP } });

beforeAll(async () => {
  await box.ok(["load", "-i", await busyboxArchive()]);
  await box.ok(["run", "-d", "--network", "none", "--name", "d", BUSYBOX, "sleep", "600"]);
});

test("exec passes on those that are named, at their numbers, and none between", async () => {
  const { code, stdout, stderr } = await shell(`exec --preserve-fd 5,9 d ${LOOK}`);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(SEEN);
  expect((await shell(`exec --preserve-fd 9 --preserve-fd 5 d ${LOOK}`)).stdout).toMatch(SEEN);
  const file = join(box.directory, "out");
  expect(await shell(`--out ${file} exec --preserve-fd 5,9 d ${LOOK}`)).toEqual({
    code: 0,
    stdout: "",
    stderr: "",
  });
  expect(readFileSync(file, "utf8")).toMatch(SEEN);
});

test("so does run, with those that --preserve-fds counts", async () => {
  const { stdout } = await shell(`run --rm --network none --preserve-fd 9,5 ${BUSYBOX} ${LOOK}`);
  expect(stdout).toMatch(SEEN);
  const counted = await shell(
    `exec --preserve-fds 1 --preserve-fd 5 d ls -C /proc/self/fd`,
    "3</etc/passwd 4</etc/passwd 5</etc/passwd",
  );
  expect(counted.stdout).toMatch(/^0 +1 +2 +3 +4 +5\n$/);
});

test("a number that the caller did not open is refused, also where kelp itself has opened it", async () => {
  for (const [words, error] of [
    ["--preserve-fd 6", "file descriptor 6 is not available - the preserve-fd option"],
    ["--preserve-fd 5,3", "file descriptor 3 is not available - the preserve-fd option"],
    ["--preserve-fds 1", "file descriptor 3 is not available - the preserve-fds option"],
  ] as const) {
    const { code, stdout, stderr } = await shell(`exec ${words} d true`);
    expect({ code, stdout, stderr }).toEqual({
      code: 125,
      stdout: "",
      stderr: expect.stringContaining(`Error: ${error} requires that file descriptors must be passed`),
    });
  }
  for (const word of ["2", "67", "x", "5,,9"])
    expect(await shell(`exec --preserve-fd ${word} d true`)).toMatchObject({
      code: 125,
      stderr: expect.stringContaining("it must be a number from 3 to 66"),
    });
});

const { test: withRuntime } = requires("crun", "busybox", "overlay", "subuid", "cgroup2");
withRuntime(
  "an OCI runtime, whose own descriptors would fill the gap, is not asked to; without one it passes them on",
  async () => {
    const refused = await shell(`--runtime crun run --rm --preserve-fd 5,9 ${BUSYBOX} true`);
    expect(refused).toMatchObject({ code: 125, stdout: "" });
    expect(refused.stderr).toContain("--preserve-fd with a gap is not supported with crun");
    expect(await box.ok(["ps", "-aq", "--filter", "status=created"])).toBe("");
    const line = `--runtime crun run --rm --network none --preserve-fd 4,3 ${BUSYBOX} sh -c 'cat <&3; cat <&4'`;
    expect(await shell(line, "3<<A 4<<B\nthree\nA\nfour\nB\n")).toEqual({
      code: 0,
      stdout: "three\nfour\n",
      stderr: "",
    });
  },
);
