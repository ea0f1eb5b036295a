/** Options of run that are small promises of their own, and words for people and for scripts. */
import { expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUSYBOX, busyboxArchive, KELP, requires, run, useSandbox } from "../support/index.ts";

const box = useSandbox("033-options");
const { test } = requires("overlay");

test("the image is loaded", async () => {
  await box.ok(["load", "--input", await busyboxArchive()]);
});

test("blocks of standard input arrive whole", async () => {
  const pipeline = `dd if=/dev/zero bs=1024 count=1500 status=none | "$0" run --rm -i ${BUSYBOX} dd of=/dev/null bs=512`;
  const { stderr } = await run("/bin/sh", ["-c", pipeline, KELP], { env: box.env });
  expect(stderr).toContain("3000+0 records in");
});

test("a root without an entry in the archive has podman's mode", async () => {
  expect(await box.ok(["run", "--rm", BUSYBOX, "stat", "-c", "%a", "/"])).toMatch(/^(555|755)$/);
});

test("oom_score_adj of containers.conf is obeyed, and the flag comes first", async () => {
  const file = join(box.directory, "containers.conf");
  writeFileSync(file, "[containers]\noom_score_adj = 200\n");
  const env = { CONTAINERS_CONF_OVERRIDE: file };
  const read = ["cat", "/proc/self/oom_score_adj"];
  expect(await box.ok(["run", "--rm", BUSYBOX, ...read], { env })).toBe("200");
  expect(await box.ok(["run", "--rm", "--oom-score-adj", "300", BUSYBOX, ...read], { env })).toBe("300");
});

test("a mount of the command line stands in the place of one of containers.conf", async () => {
  const file = (name: string, text: string) => {
    writeFileSync(join(box.directory, name), text);
    return join(box.directory, name);
  };
  const mount = (name: string) => `type=bind,src=${file(name, `${name}\n`)},destination=/t033-conf,ro`;
  const [one, two] = [mount("one"), mount("two")];
  const env = { CONTAINERS_CONF_OVERRIDE: file("mounts.conf", `[containers]\nmounts = ["${one}"]\n`) };
  const cat = ["cat", "/t033-conf"];
  expect(await box.ok(["run", "--rm", BUSYBOX, ...cat], { env })).toBe("one");
  expect(await box.ok(["run", "--rm", "--mount", two, BUSYBOX, ...cat], { env })).toBe("two");
  const both = await box.kelp(["run", "--rm", "--mount", one, "--mount", two, BUSYBOX, ...cat], { env });
  expect({ code: both.code, stderr: both.stderr }).toEqual({
    code: 125,
    stderr: "Error: /t033-conf: duplicate mount destination\n",
  });
  const bad = {
    CONTAINERS_CONF_OVERRIDE: file("bad.conf", `[containers]\nmounts = ["type=bogus,dst=/x"]\n`),
  };
  expect((await box.kelp(["run", "--rm", BUSYBOX, "true"], { env: bad })).stderr).toBe(
    'Error: parsing containers.conf mounts: invalid filesystem type "bogus"\n',
  );
});

test("exec heeds privileged of a module, and its flag comes first", async () => {
  const module = join(box.directory, "privileged.conf");
  writeFileSync(module, "[containers]\nprivileged = true\n");
  await box.ok(["run", "-d", "--name", "t033-plain", BUSYBOX, "sleep", "60"]);
  const bounds = (...words: string[]) =>
    box.ok([...words, "t033-plain", "sh", "-c", "grep CapBnd /proc/self/status"]);
  const plain = await bounds("exec");
  expect(await bounds("--module", module, "exec")).not.toBe(plain);
  expect(await bounds("--module", module, "exec", "--privileged=false")).toBe(plain);
  await box.ok(["rm", "-f", "-t", "0", "t033-plain"]);
});

test("--out sends what a command prints to a file, --noout nowhere", async () => {
  const file = join(box.directory, "out");
  expect(await box.ok(["--out", file, "run", "--rm", BUSYBOX, "echo", "there"])).toBe("");
  expect(readFileSync(file, "utf8")).toBe("there\n");
  expect(await box.ok(["--noout", "run", "--rm", BUSYBOX, "echo", "nowhere"])).toBe("");
});

test("--volumepath is where volumes are made", async () => {
  const place = join(box.directory, "elsewhere");
  mkdirSync(place);
  await box.ok(["--volumepath", place, "volume", "create", "far"]);
  expect(await box.ok(["volume", "inspect", "--format", "{{.Mountpoint}}", "far"])).toBe(
    join(place, "far", "_data"),
  );
  await box.ok(["volume", "rm", "far"]);
});

test("inspect tells the capabilities and limits a process really has", async () => {
  await box.ok([
    "run",
    "-d",
    "--name",
    "real",
    "--cap-drop",
    "all",
    "--cap-add",
    "kill",
    BUSYBOX,
    "sleep",
    "99",
  ]);
  const format = "{{.EffectiveCaps}} {{.BoundingCaps}} {{len .HostConfig.Ulimits}}";
  expect(await box.ok(["inspect", "--format", format, "real"])).toBe("[CAP_KILL] [CAP_KILL] 2");
  await box.ok(["rm", "--force", "--time", "0", "real"]);
});

test("errors are one line for scripts; what podman has and kelp has not is named", async () => {
  const one = async (args: readonly string[]) => (await box.kelp(args)).stderr;
  expect(await one(["run", "--rm", "--name", "-x", BUSYBOX, "true"])).toMatch(/^Error: [^\n]*\n$/);
  expect(await one(["machine", "ls"])).toBe(
    "Error: kelp machine is not supported: kelp runs on Linux itself and needs no virtual machine\n",
  );
  expect(await one(["--hooks-dir", "/x", "ps"])).toBe(
    "Error: --hooks-dir is not supported: no hooks of an OCI runtime are run\n",
  );
  expect(await one(["run", "--nmae", "x", BUSYBOX])).toContain("Hint: did you mean --name?\n");
});

test("a missing XDG_RUNTIME_DIR is told once, when its substitute is made", async () => {
  const args = ["--root", join(box.directory, "data", "cron"), "run", "--rm", "hello"];
  const first = await box.kelp(args, { env: { XDG_RUNTIME_DIR: "" } });
  if (first.stderr === "") return; // logind's directory exists on this machine
  expect(first).toMatchObject({ code: 0 });
  expect(first.stderr).toContain("XDG_RUNTIME_DIR is not set");
  expect((await box.kelp(args, { env: { XDG_RUNTIME_DIR: "" } })).stderr).not.toContain("XDG_RUNTIME_DIR");
});
