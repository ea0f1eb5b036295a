/** `holdfast exec` and `holdfast enter` with hand-made plans, in a container that runs meanwhile. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { NO_SLOT } from "../../src/runtime/plan/ops.ts";
import {
  ACCOUNT,
  BUILD_TIME,
  buildHoldfast,
  type ContainerOptions,
  eventually,
  MISSING,
  NEWNS,
  NEWUSER,
  PlanText,
  Sandbox,
} from "./plans.ts";

const NEWPID = 0x20000000n;
const REST = 0x4000000n | 0x8000000n | 0x40000000n;

if (MISSING !== undefined) console.error(`SKIPPED: holdfast exec: ${MISSING}`);

function execPlan(box: Sandbox, options: ContainerOptions): PlanText {
  const { monitor, monitorStart, init, initStart } = box.status("c");
  const plan = new PlanText();
  plan.add("config", "container", {
    cloneFlags: 0n,
    tty: options.tty ? 1 : 0,
    stdin: options.stdin ?? 0,
    init: 0,
    stopSignal: 15,
    stopMs: 10_000,
    cgroup: NO_SLOT,
  });
  box.client(plan, options);
  plan.add("launch", "joinHolder", { pid: monitor, start: monitorStart, namespaces: NEWUSER | NEWNS });
  plan.add("monitor", "reexecReadOnly", {});
  plan.add("monitor", "openPid", { pid: init, start: initStart, into: 0 });
  plan.add("monitor", "joinPid", { slot: 0, namespaces: NEWNS | NEWPID | REST });
  if (options.tty) {
    plan.add("setup", "openPath", { path: "/", flags: 0o10000000, into: 1 });
    plan.add("setup", "openPty", { root: 1, path: "dev/pts/ptmx", rows: 10, columns: 20, uid: 0, into: 7 });
  }
  return box.command(plan, options);
}

describe.skipIf(MISSING !== undefined)("in a running container", () => {
  beforeAll(buildHoldfast, BUILD_TIME);
  let box: Sandbox;
  const uid = String(ACCOUNT?.uid);
  beforeEach(() => {
    box = new Sandbox();
    box.run("start", box.container("c", { argv: ["sleep", "60"], attach: false, init: true }));
  });
  afterEach(async () => {
    if (existsSync(join(box.dir, "run/c/status"))) process.kill(box.status("c").init, "SIGKILL");
    await eventually(() => box.holders().length === 0, "every holder gone");
    await eventually(() => box.processes().length === 0, "every process gone");
    box.remove();
  });

  test("exec runs in all of its namespaces and gives back output, errors and status", () => {
    const script =
      "echo out; echo err >&2; for n in pid mnt net uts ipc user; do stat -L -c %i /proc/self/ns/$n /proc/2/ns/$n; done; ls /proc/self/fd; exit 5";
    const { code, stdout, stderr } = box.run("exec", execPlan(box, { argv: ["sh", "-c", script] }));
    const [out, ...lines] = stdout.trim().split("\n");
    expect([code, out, stderr]).toEqual([5, "out", "err\n"]);
    for (let i = 0; i < 12; i += 2) expect(lines[i]).toBe(lines[i + 1]!);
    expect(lines.slice(12)).toEqual(["0", "1", "2", "3"]);
  });

  test("exec's stdin is the caller's", () => {
    const { stdout } = box.run("exec", execPlan(box, { argv: ["cat"], stdin: 2, streams: 7 }), "given\n");
    expect(stdout).toBe("given\n");
  });

  test("exec with a terminal of the container", () => {
    const script = "tty; stty size; ls -l /dev/tty > /dev/null && echo own > /dev/tty";
    const { stdout } = box.run("exec", execPlan(box, { argv: ["sh", "-c", script], tty: true, streams: 3 }));
    expect(stdout).toBe("/dev/pts/0\r\n10 20\r\nown\r\n");
  });

  test("a detached exec leaves nothing of ours, and its process ends with the container", async () => {
    const plan = execPlan(box, { argv: ["sleep", "50"], attach: false });
    const { code, stdout } = box.run("exec", plan);
    expect([code, stdout]).toEqual([0, "announced\n"]);
    const mine = () => box.processes().filter((pid) => commandOf(pid) === "sleep 50");
    await eventually(() => mine().length === 1, "the process");
    const { monitor, init } = box.status("c");
    const ours = () => box.processes().filter((pid) => commandOf(pid).startsWith("holdfast"));
    await eventually(() => ours().length === 2, "the parent gone");
    expect(ours().sort()).toEqual([monitor, init].sort());
    process.kill(init, "SIGKILL");
    await eventually(() => mine().length === 0, "the process gone");
  });

  test("exec of what is not there, or in a container that has gone, fails with its reason", async () => {
    const missing = execPlan(box, { argv: ["nothing"] });
    expect(box.run("exec", missing).code).toBe(42);
    expect(box.failure()).toEqual([...missing.where("execve"), "2", uid]);
    const gone = execPlan(box, { argv: ["true"] });
    process.kill(box.status("c").init, "SIGKILL");
    await eventually(() => existsSync(join(box.dir, "exit/c")), "the end");
    await eventually(() => box.holders().length === 0, "the holder gone");
    expect(box.run("exec", gone).code).toBe(42);
    expect(box.failure()?.slice(0, 2)).toEqual(["launch", gone.where("joinHolder")[1]]);
  });

  test("exec cannot be led to another process by a reused pid", () => {
    const plan = execPlan(box, { argv: ["true"] });
    const op = plan.ops.find((o) => o.op === "openPid")!;
    (op.args as { start: bigint }).start++;
    box.run("exec", plan);
    expect(box.failure()).toEqual([...plan.where("openPid"), "3", uid]);
  });

  test("neither exec's parent nor the monitor can be seen from inside", () => {
    const { stdout } = box.run("exec", execPlan(box, { argv: ["sh", "-c", "cat /proc/[0-9]*/comm"] }));
    expect(stdout.split("\n").filter((name) => name === "holdfast").length).toBe(1); // PID 1 only
  });

  test("enter joins the base, runs the host's program as its root and returns its status", () => {
    const script = "readlink /proc/self/ns/user /proc/self/ns/mnt; id -u; exit 6";
    const { code, stdout } = box.run("enter", box.enter(["sh", "-c", script]));
    const { monitor } = box.status("c");
    expect([code, stdout.trim().split("\n")]).toEqual([
      6,
      [readlinkSync(`/proc/${monitor}/ns/user`), readlinkSync(`/proc/${monitor}/ns/mnt`), "0"],
    ]);
    expect(box.holders().length).toBe(1);
  });

  test("enter reports a program that is not there, and 128 + n for a signal", () => {
    const plan = box.enter(["nothing-of-that-name"]);
    expect(box.run("enter", plan).code).toBe(42);
    expect(box.failure()).toEqual([...plan.where("execve"), "2", uid]);
    expect(box.run("enter", box.enter(["sh", "-c", "kill -TERM $$"])).code).toBe(143);
  });
});

describe.skipIf(MISSING !== undefined)("without a container", () => {
  beforeAll(buildHoldfast, BUILD_TIME);
  let box: Sandbox;
  beforeEach(() => {
    box = new Sandbox();
  });
  afterEach(() => box.remove());

  test("enter makes the base, holds it while it runs, and a container joins it there", async () => {
    const entered = box.spawn("enter", box.enter(["sleep", "0.5"]));
    await eventually(() => box.holders().length === 1, "the holder");
    const pid = box.holders()[0]!.split("-")[0]!;
    await eventually(() => commandOf(Number(pid)) === "sleep 0.5", "the program");
    const inside = readlinkSync(`/proc/${pid}/ns/user`);
    box.run("start", box.container("c", { argv: ["true"] }));
    expect(box.failure()).toBeUndefined();
    const script = "stat -L -c %i /proc/self/ns/user";
    const { stdout } = box.run("start", box.container("d", { argv: ["sh", "-c", script] }));
    expect(inside).toBe(`user:[${stdout.trim()}]`);
    expect(await entered.exited).toBe(0);
    expect(box.holders()).toEqual([]);
  });

  test("enter passes SIGTERM on", async () => {
    const entered = box.spawn(
      "enter",
      box.enter(["sh", "-c", "trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done"]),
    );
    const reader = entered.stdout.getReader();
    await reader.read();
    entered.kill("SIGTERM");
    expect(await entered.exited).toBe(3);
  });

  test("entering without registering does not lock others out for its duration", async () => {
    const entered = box.spawn("enter", box.enter(["sleep", "0.5"], false));
    const { code } = box.run("start", box.container("c", { argv: ["true"] }));
    expect([code, entered.exitCode]).toEqual([0, null]);
    await entered.exited;
  });
});

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim();
  } catch {
    return "";
  }
}
