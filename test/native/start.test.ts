/** `holdfast start` with hand-made plans: containers that run, plans that fail half-way, processes that must not stay. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  ACCOUNT,
  ALL_CAPS,
  BUILD_TIME,
  buildHoldfast,
  eventually,
  IN_ROOT,
  MISSING,
  NEWNS,
  Sandbox,
} from "./plans.ts";

const ENOENT = "2";
const EACCES = "13";
const ENOEXEC = "8";

if (MISSING !== undefined) console.error(`SKIPPED: holdfast start: ${MISSING}`);

describe.skipIf(MISSING !== undefined)("holdfast start", () => {
  beforeAll(buildHoldfast, BUILD_TIME);
  let box: Sandbox;
  const uid = String(ACCOUNT?.uid);
  const forever = ["sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done"];
  beforeEach(() => {
    box = new Sandbox();
  });
  afterEach(async () => {
    await eventually(() => box.holders().length === 0, "every holder gone");
    await eventually(() => box.processes().length === 0, "every process gone");
    box.remove();
  });

  test("a foreground container's output and status are the launcher's", () => {
    const { code, stdout, stderr } = box.run(
      "start",
      box.container("a", { argv: ["sh", "-c", "echo out; echo err >&2; exit 7"] }),
    );
    expect([code, stdout, stderr]).toEqual([7, "out\n", "err\n"]);
    expect(box.exit("a")).toContain("code 7\nsignal 0\n");
    expect(box.failure()).toBeUndefined();
  });

  test("its process is PID 1 and sees no descriptor, signal setting or variable of ours", () => {
    const script =
      "echo $$; ls /proc/self/fd; grep -E 'Sig(Blk|Ign)|NoNewPrivs|CapEff|Groups' /proc/self/status; cat /proc/1/environ; echo";
    const { stdout } = box.run(
      "start",
      box.container("a", { argv: ["sh", "-c", script], env: ["ONLY=this"] }),
    );
    const lines = stdout.split("\n");
    expect(lines[0]).toBe("1");
    expect(lines.slice(1, 5)).toEqual(["0", "1", "2", "3"]); // 3 is ls looking
    expect(stdout).toMatch(/SigBlk:\t0+\n/);
    expect(stdout).toMatch(/SigIgn:\t0+\n/);
    expect(stdout).toMatch(/CapEff:\t00000000a80425fb\n/);
    expect(stdout.endsWith("\nONLY=this\0\n")).toBe(true);
  });

  test("detached: the launcher announces and leaves, the monitor stays and writes the end down", async () => {
    const { code, stdout } = box.run("start", box.container("a", { argv: forever, attach: false }));
    expect([code, stdout]).toEqual([0, "announced\n"]);
    const { monitor, init } = box.status("a");
    expect(box.holders()).toEqual([`${monitor}-${box.status("a").monitorStart}`]);
    await eventually(() => readFileSync(join(box.dir, "run/a/log"), "utf8").includes("ready"), "the log");
    process.kill(init, "SIGTERM");
    await eventually(() => existsSync(join(box.dir, "exit/a")), "the exit file");
    expect(box.exit("a")).toContain("code 9\n");
    await eventually(() => !existsSync(`/proc/${monitor}`), "the monitor gone");
  });

  test("no container outlives its monitor", async () => {
    box.run("start", box.container("a", { argv: forever, attach: false }));
    const { monitor, init } = box.status("a");
    process.kill(monitor, "SIGKILL");
    await eventually(() => !existsSync(`/proc/${init}`), "the container gone");
    await eventually(() => !existsSync(`/proc/${monitor}`), "the monitor reaped");
    box.run("start", box.container("b", { argv: ["true"] })); // sweeps the stale entry
    expect(box.holders()).toEqual([]);
  });

  test("a program that is not there, not executable or no program is said so, and nothing stays", () => {
    writeFileSync(join(box.root, "bin/data"), "no program", { mode: 0o755 });
    writeFileSync(join(box.root, "bin/locked"), "#!/bin/sh\n", { mode: 0o644 });
    for (const [name, errno] of [
      ["nothing", ENOENT],
      ["/bin/nothing", ENOENT],
      ["locked", EACCES],
      ["data", ENOEXEC],
    ] as const) {
      const plan = box.container("a", { argv: [name] });
      expect(box.run("start", plan).code).toBe(42);
      expect(box.failure()).toEqual([...plan.where("execve"), errno, uid]);
      expect(readdirSync(join(box.dir, "run/a"))).toEqual(["log"]);
    }
  });

  test("a search goes on past directories that lack the program", () => {
    const plan = box.container("a", {
      argv: ["echo", "found"],
      search: ["/none", "/bin/sh", "/tmp", "/bin"],
    });
    expect(box.run("start", plan).stdout).toBe("found\n");
  });

  test("a failing operation names itself; of finish only the unmounting is done, then", () => {
    for (const name of ["lower", "upper", "work", "merged"]) box.mkdir(`run/${name}`);
    const plan = box.container("a", { argv: ["true"] });
    const data = "lowerdir=lower,upperdir=upper,workdir=work,userxattr";
    plan.add("monitor", "overlay", { cwd: join(box.dir, "run"), data, flags: 0n, target: "merged", into: 4 });
    plan.add("setup", "openPath", { path: "/no/such/thing", flags: 0, into: 9 });
    plan.add("finish", "makeMarker", { path: join(box.dir, "run/finished") });
    plan.add("finish", "unmount", { path: join(box.dir, "run/merged"), flags: 0 });
    const holder = box.spawn("enter", box.enter(["sleep", "0.3"]));
    expect(box.run("start", plan).code).toBe(42);
    expect(box.failure()).toEqual([...plan.where("openPath"), ENOENT, uid]);
    expect(existsSync(join(box.dir, "run/finished"))).toBe(false);
    expect(existsSync(join(box.dir, "exit/a"))).toBe(false);
    expect(box.run("enter", box.enter(["grep", "-c", box.dir, "/proc/self/mountinfo"])).stdout).toBe("0\n");
    return holder.exited;
  });

  test("finish does all it can, in its order", async () => {
    const plan = box.container("a", { argv: ["true"] });
    const deep = Array.from({ length: 300 }, () => "d").join("/");
    box.runShell(
      `mkdir -p ${box.dir}/run/tree/${deep} && ln -s / ${box.dir}/run/tree/d/link && touch ${box.dir}/run/tree/${deep}/f`,
    );
    plan.add("finish", "removeFile", { path: join(box.dir, "run/not-there") });
    plan.add("finish", "removeTree", { path: join(box.dir, "run/tree") });
    plan.add("finish", "makeMarker", { path: join(box.dir, "run/marker") });
    plan.add("finish", "spawn", {
      argv: ["/bin/sh", "-c", `sleep 0.1; echo $0 > ${box.dir}/run/spawned`, "word"],
      env: [],
    });
    expect(box.run("start", plan).code).toBe(0);
    expect(existsSync(join(box.dir, "run/tree"))).toBe(false);
    expect(existsSync(join(box.dir, "run/marker"))).toBe(true);
    await eventually(() => existsSync(join(box.dir, "run/spawned")), "the program spawned");
  });

  test("failures of the launcher, of helpers and of the monitor are reported alike", () => {
    const launch = box
      .container("a", { argv: ["true"] })
      .add("launch", "openPath", { path: "/none", flags: 0, into: 9 });
    box.run("start", launch);
    expect(box.failure()).toEqual([...launch.where("openPath"), ENOENT, uid]);
    const helper = box
      .container("a", { argv: ["true"] })
      .add("map", "run", { argv: ["/bin/sh", "-c", "exit 5"], env: [], pidArg: 0xffffffff });
    box.run("start", helper);
    expect(box.failure()).toEqual(["map", helper.where("run", 2)[1], "1005", uid]);
    const monitor = box
      .container("a", { argv: ["true"] })
      .add("monitor", "openPid", { pid: process.pid, start: 1n, into: 9 });
    box.run("start", monitor);
    expect(box.failure()).toEqual([...monitor.where("openPid"), "3", uid]);
  });

  test("a tolerated failure leaves its slot void, and what uses the slot does nothing", () => {
    const plan = box.container("a", { argv: ["echo", "ran"] });
    plan.ops.splice(
      plan.ops.findIndex((op) => op.op === "pivotRoot"),
      0,
    );
    plan.add("monitor", "openPath", { path: "/no/such/thing", flags: 0, into: 9 }, 1);
    plan.add("monitor", "expectDevice", { slot: 9, kind: 0, major: 1, minor: 3 });
    expect(box.run("start", plan).stdout).toBe("ran\n");
  });

  test("init=1 reaps orphans, forwards signals and ends as the command does", async () => {
    const script =
      "(sleep 0.05 &) ; sleep 0.3; cat /proc/[0-9]*/stat | grep -c ' Z '; cat /proc/1/comm; ls /proc/1/fd; exit 5";
    const { code, stdout } = box.run(
      "start",
      box.container("a", { argv: ["sh", "-c", script], init: true, caps: ALL_CAPS }),
    );
    expect([code, stdout]).toEqual([5, "0\nholdfast\n"]);
    const killed = box.run("start", box.container("b", { argv: ["sh", "-c", "kill -9 $$"], init: true }));
    expect(killed.code).toBe(137);
    box.run("start", box.container("c", { argv: forever, init: true, attach: false }));
    await eventually(() => readFileSync(join(box.dir, "run/c/log"), "utf8").includes("ready"), "the trap");
    process.kill(box.status("c").init, "SIGTERM");
    await eventually(() => existsSync(join(box.dir, "exit/c")), "the exit file");
    expect(box.exit("c")).toContain("code 9\n");
  });

  test("even root with every capability cannot write to holdfast through /proc/PID/exe", () => {
    const before = readFileSync(box.holdfast);
    const script = "stat -L -c %s /proc/1/exe; : > /proc/1/exe; echo x >> /proc/1/exe";
    const { stderr, stdout } = box.run(
      "start",
      box.container("a", { argv: ["sh", "-c", script], init: true, caps: ALL_CAPS }),
    );
    expect(Number(stdout)).toBe(before.length); // it is our file that is seen there
    expect(stderr).toContain("/proc/1/exe: Read-only file system");
    expect(readFileSync(box.holdfast).equals(before)).toBe(true);
  });

  test("the container's process cannot look into its PID 1 while that is holdfast", () => {
    const { stderr } = box.run(
      "start",
      box.container("a", { argv: ["ls", "-l", "/proc/1/exe"], init: true }),
    );
    expect(stderr).toContain("Permission denied");
  });

  test("a link to what only a running system has gets its target made, inside the root", () => {
    const canary = box.mkdir("canary");
    symlinkSync("sub/../later/dir/file", join(box.root, "relative"));
    symlinkSync(`${canary}/file`, join(box.root, "absolute"));
    symlinkSync("circle", join(box.root, "circle"));
    const at = (target: string) => {
      const plan = box.container("a", { argv: ["sh", "-c", `cat /${target}`] });
      const pivot = plan.ops.splice(
        plan.ops.findIndex((op) => op.op === "pivotRoot"),
        1,
      )[0]!;
      plan.add("setup", "openTree", { path: "/etc/hostname", flags: 1, into: 3 });
      plan.add("setup", "moveMount", { tree: 3, root: 1, target, create: 2, resolve: IN_ROOT });
      plan.ops.push(pivot);
      return box.run("start", plan);
    };
    expect(at("relative").code).toBe(0);
    expect(at("absolute").code).toBe(0);
    expect(at("circle/x").code).toBe(42);
    expect(existsSync(join(canary, "file"))).toBe(false);
  });

  test("a link in the image leads no mount and no file out of the root", () => {
    symlinkSync("/../../../../../../tmp", join(box.root, "out"));
    symlinkSync(box.mkdir("canary"), join(box.root, "absolute"));
    symlinkSync("/proc/self/root", join(box.root, "magic"));
    const plan = box.container("a", {
      argv: ["ls", "-R", "/tmp"],
    });
    const setup = plan.ops.splice(
      plan.ops.findIndex((op) => op.op === "pivotRoot"),
      1,
    )[0]!;
    plan.add("setup", "newMount", { type: "tmpfs", options: [], attrs: 0n, into: 3 });
    plan.add("setup", "moveMount", { tree: 3, root: 1, target: "out/mnt", create: 1, resolve: IN_ROOT });
    plan.add("setup", "makeDir", { root: 1, mode: 0o750, uid: 0, gid: 0, path: "../../out/made" });
    plan.add("setup", "makeLink", { root: 1, path: "out/link", target: "anywhere" });
    plan.add("setup", "makeLink", { root: 1, path: "out/dir/sub/link", target: "anywhere" });
    plan.ops.push(setup);
    const { stdout, stderr } = box.run("start", plan);
    expect(stdout.split("\n").slice(0, 5)).toEqual(["/tmp:", "dir", "link", "made", "mnt"]);
    expect(stdout).toContain("/tmp/dir/sub:\nlink\n");
    expect([stderr, box.failure()]).toEqual(["", undefined]);
    expect(existsSync("/tmp/made")).toBe(false);
    for (const path of ["absolute/x", "magic/x"]) {
      const escaping = box.container("b", { argv: ["true"] });
      const pivot = escaping.ops.splice(
        escaping.ops.findIndex((op) => op.op === "pivotRoot"),
        1,
      )[0]!;
      escaping.add("setup", "openTree", { path: "/tmp", flags: 0x8000, into: 3 });
      escaping.add("setup", "moveMount", { tree: 3, root: 1, target: path, create: 2, resolve: IN_ROOT });
      escaping.ops.push(pivot);
      box.run("start", escaping);
      expect(box.failure()?.[0]).toBe("setup");
    }
    expect(readdirSync(join(box.dir, "canary"))).toEqual([]);
  });

  test("a terminal is the container's own, with its size, and the session's", () => {
    const script = "tty; stty size; stat -c %u /dev/pts/0; echo to-tty > /dev/tty";
    const { stdout, code } = box.run(
      "start",
      box.container("a", { argv: ["sh", "-c", script], tty: true, streams: 3 }),
    );
    expect([code, stdout]).toEqual([0, "/dev/pts/0\r\n24 80\r\n0\r\nto-tty\r\n"]);
  });

  test("one id only: the process is root of a map of one", () => {
    const { stdout, stderr } = box.run(
      "start",
      box.container("a", { argv: ["cat", "/proc/self/uid_map"], oneId: true }),
    );
    expect([stdout.trim().split(/\s+/), stderr]).toEqual([["0", uid, "1"], ""]);
  });

  test.skipIf(ACCOUNT?.subid === undefined)(
    "another user gets exactly its groups and capabilities, and the filter",
    () => {
      const chown = 1n;
      const options = {
        argv: ["grep", "-E", "^(Uid|Gid|Groups|Cap.*|NoNewPrivs|Seccomp):", "/proc/self/status"],
      };
      const plan = box.container("a", { ...options, oneId: false });
      const [credentials, execve] = plan.ops.splice(-2);
      plan.add("exec", "noNewPrivileges", {});
      const allow = new Uint8Array(new Uint16Array([6, 0, 0, 0x7fff]).buffer);
      plan.add("exec", "credentials", {
        uid: 1000,
        gid: 1001,
        groups: new Uint8Array(new Uint32Array([5, 6]).buffer),
        bounding: 3n,
        effective: chown,
        permitted: chown,
        inheritable: chown,
        ambient: chown,
      });
      plan.add("exec", "seccomp", { flags: 0, filter: allow });
      expect(credentials!.op).toBe("credentials");
      plan.ops.push(execve!);
      const { stdout } = box.run("start", plan);
      expect(stdout.replace(/\t/g, " ").split("\n")).toEqual([
        "Uid: 1000 1000 1000 1000",
        "Gid: 1001 1001 1001 1001",
        "Groups: 5 6 ",
        "CapInh: 0000000000000001",
        "CapPrm: 0000000000000001",
        "CapEff: 0000000000000001",
        "CapBnd: 0000000000000003",
        "CapAmb: 0000000000000001",
        "NoNewPrivs: 1",
        "Seccomp: 2",
        "",
      ]);
    },
  );

  test("sixteen first starts at once make one base", async () => {
    const plans = Array.from({ length: 16 }, (_, i) =>
      box.container(`p${i}`, { argv: ["sleep", "60"], attach: false }),
    );
    const started = plans.map((plan) => box.spawn("start", plan));
    expect(await Promise.all(started.map((p) => p.exited))).toEqual(plans.map(() => 0));
    expect(box.holders().length).toBe(16);
    const ids = new Set(plans.map((_, i) => readNamespace(box.status(`p${i}`).monitor)));
    expect(ids.size).toBe(1);
    for (const i of plans.keys()) process.kill(box.status(`p${i}`).init, "SIGKILL");
  });

  test("descriptors to keep arrive, and no others", () => {
    const plan = box.container("a", { argv: ["ls", "/proc/self/fd"] }).add("exec", "keepFds", { count: 2 });
    plan.ops.push(
      plan.ops.splice(
        plan.ops.findIndex((op) => op.op === "execve"),
        1,
      )[0]!,
    );
    const path = box.write(plan);
    const shell = `exec 4</dev/null 5</dev/null 9</dev/null 40</dev/null 70</dev/null; exec ${box.holdfast} start ${path}`;
    const { stdout } = box.runShell(shell);
    expect(stdout.split("\n")).toEqual(["0", "1", "2", "3", "4", ""]); // 3: ls looking, since only 4 was given
  });

  test("mounts of the monitor are unmounted by finish and seen by nobody outside", () => {
    for (const name of ["lower", "upper", "work", "merged"]) box.mkdir(`run/${name}`);
    writeFileSync(join(box.dir, "run/lower/file"), "below");
    box.own(join(box.dir, "run/lower/file"));
    const plan = box.container("a", { argv: ["true"] });
    plan.add("monitor", "overlay", {
      cwd: join(box.dir, "run"),
      data: "lowerdir=lower,upperdir=upper,workdir=work,userxattr",
      flags: 0n,
      target: "merged",
      into: 4,
    });
    plan.add("monitor", "openAt", { root: 4, path: "/file", flags: 2, mode: 0, resolve: IN_ROOT, into: 5 });
    plan.add("finish", "unmount", { path: join(box.dir, "run/merged"), flags: 2 });
    plan.add("finish", "removeTree", { path: join(box.dir, "run/work") });
    expect(box.run("start", plan).code).toBe(0);
    expect(box.failure()).toBeUndefined();
    expect(existsSync(join(box.dir, "run/work"))).toBe(false);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(box.dir);
  });

  test("an unshare of the mount namespace in setup keeps later mounts from the base", () => {
    const plan = box.container("a", { argv: ["true"], cloneFlags: 0n });
    plan.ops.unshift({ op: "unshare", stage: "setup", args: { flags: NEWNS } });
    plan.ops.splice(
      plan.ops.findIndex((op) => op.op === "newMount"),
      2,
    ); // proc needs a pid namespace
    expect(box.run("start", plan).code).toBe(0);
  });
});

function readNamespace(pid: number): string {
  return (
    readFileSync(`/proc/${pid}/uid_map`, "utf8") +
    Bun.spawnSync(["readlink", `/proc/${pid}/ns/user`, `/proc/${pid}/ns/mnt`]).stdout
  );
}
