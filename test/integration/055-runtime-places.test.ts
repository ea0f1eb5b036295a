/** A container lives once, whatever runtime directory a command comes with, and whether or not that is still there. */
import { expect } from "bun:test";
import { existsSync, mkdirSync, readFileSync, renameSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, requires, useSandbox } from "../support/index.ts";

const box = useSandbox("055-runtime-places");
const { test } = requires("overlay");
const data = join(box.directory, "data", "kelp");
const place = () => join(box.directory, "elsewhere");
/** A note of the last ten seconds may be that of a start under way. */
const forgetStart = () => utimesSync(join(data, "runtime"), 1, 1);
/** A zombie's command line is empty. */
const runs = (pid: number) => existsSync(`/proc/${pid}`) && readFileSync(`/proc/${pid}/cmdline`).length > 0;
const pidOf = (name: string) => box.ok(["inspect", "--format", "{{.State.Pid}}", name]);

test("with another XDG_RUNTIME_DIR a running container is found, and not started a second time", async () => {
  await box.ok(["load", "--input", await busyboxArchive()]);
  await box.ok(["run", "-d", "--name", "once", BUSYBOX, "sleep", "100"]);
  const pid = await pidOf("once");
  mkdirSync(place(), { mode: 0o700 });
  const env = { XDG_RUNTIME_DIR: place() };
  expect(await box.kelp(["ps", "--format", "{{.Names}} {{.State}}"], { env })).toMatchObject({
    code: 0,
    stdout: "once running\n",
  });
  expect(await box.kelp(["start", "once"], { env })).toMatchObject({ code: 0, stdout: "once\n" });
  expect(await box.kelp(["exec", "once", "echo", "inside"], { env })).toMatchObject({
    code: 0,
    stdout: "inside\n",
  });
  expect(await pidOf("once")).toBe(pid);
});

test("a runtime directory that was asked for by name is refused while containers run in another", async () => {
  const { code, stderr } = await box.kelp(["--runroot", place(), "ps"]);
  expect(code).toBe(125);
  expect(stderr).toStartWith(
    `Error: cannot use runtime directory ${place()}: containers of this store run in ${box.runtime}/kelp\n`,
  );
});

test("when none runs any more, another runtime directory is as good", async () => {
  await box.ok(["rm", "--force", "--time", "0", "once"]);
  await box.ok(["create", "--name", "next", BUSYBOX, "sleep", "100"]);
  forgetStart();
  const env = { XDG_RUNTIME_DIR: place() };
  await box.ok(["start", "next"], { env });
  expect(await box.ok(["ps", "--format", "{{.Names}}"])).toBe("next");
  await box.ok(["rm", "--force", "--time", "0", "next"]);
});

test("a container whose runtime directory was removed under it is neither started twice nor removed as if it had ended", async () => {
  forgetStart();
  const id = await box.ok(["run", "-d", "--name", "stranded", BUSYBOX, "sleep", "100"]);
  const pid = Number(await pidOf("stranded"));
  const files = join(box.runtime, "kelp", "c", id);
  renameSync(files, join(box.directory, "gone"));
  // Younger plans are those of a start under way.
  utimesSync(join(data, "containers", id, "plan"), 1, 1);
  const started = await box.kelp(["start", "stranded"]);
  expect(started.code).toBe(125);
  expect(started.stderr).toMatch(
    /^Error: cannot start container [0-9a-f]{12}: it runs already: its monitor, process \d+, lives, but its runtime directory is gone/,
  );
  expect((await box.kelp(["rm", "stranded"])).code).toBe(2);
  expect(runs(pid)).toBe(true);
  expect(await box.ok(["rm", "--force", "stranded"])).toBe("stranded");
  for (let i = 0; i < 200 && runs(pid); i++) await Bun.sleep(10);
  expect(runs(pid)).toBe(false);
});
