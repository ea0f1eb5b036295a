/** The monitor and the attach client of the real holdfast, around real containers. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { spawn } from "bun";
import { sendSignal } from "../../src/runtime/monitor-client.ts";
import { NO_SLOT } from "../../src/runtime/plan/ops.ts";
import { ACCOUNT, eventually, MISSING, type PlanText, Sandbox } from "./plans.ts";

if (MISSING !== undefined) console.error(`SKIPPED: holdfast serving: ${MISSING}`);

const asUser = (argv: readonly string[]): string[] =>
  process.getuid!() === 0
    ? ["setpriv", `--reuid=${ACCOUNT!.uid}`, `--regid=${ACCOUNT!.gid}`, "--init-groups", ...argv]
    : [...argv];

/** kelp's client, as the user: a monitor answers nobody else. */
async function call(name: string, ...args: readonly (string | number)[]): Promise<unknown> {
  const script = join(import.meta.dir, "monitor-call.ts");
  const child = spawn(asUser([process.execPath, script, name, ...args.map(String)]), { cwd: "/" });
  return JSON.parse(await new Response(child.stdout).text());
}

/** A program of the user's on a terminal. */
function onTerminal(argv: readonly string[]) {
  let screen = "";
  const child = spawn(asUser(argv), {
    cwd: "/",
    terminal: {
      cols: 100,
      rows: 40,
      data: (_, bytes) => {
        screen += new TextDecoder().decode(bytes);
      },
    },
  });
  const terminal = child.terminal!;
  return {
    child,
    terminal,
    shows: (what: string) =>
      eventually(() => screen.includes(what), `"${what}" in ${JSON.stringify(screen)}`),
    isCooked: () => (terminal.localFlags & 0o12) === 0o12,
  };
}

describe.skipIf(MISSING !== undefined)("holdfast serves a container", () => {
  let box: Sandbox;
  beforeEach(() => {
    box = new Sandbox();
  });
  afterEach(async () => {
    await eventually(() => box.holders().length === 0, "every holder gone");
    await eventually(() => box.processes().length === 0, "every process gone");
    box.remove();
  });
  const log = (name: string): string => readFileSync(join(box.dir, "run", name, "log"), "utf8");
  const socket = (name: string): string => join(box.dir, "run", name, "attach");
  const start = (plan: PlanText): string[] => [box.holdfast, "start", box.write(plan)];

  test("run -it: a terminal with job control and the caller's size, put back at the end", async () => {
    const script = "stty size; tty; sleep 9 & kill %1; read line; echo got $line; exit 3";
    const t = onTerminal(
      start(box.container("a", { argv: ["sh", "-c", script], tty: true, stdin: 1, streams: 3 })),
    );
    await t.shows("/dev/pts/0");
    await eventually(() => !t.isCooked(), "raw mode");
    t.terminal.resize(120, 50);
    t.terminal.write("word\r");
    await t.shows("got word");
    expect(await t.child.exited).toBe(3);
    expect(t.isCooked()).toBe(true);
    expect(log("a")).toContain("got word");
  });

  test("run -it: detach, attach again, and the end reaches whoever is attached", async () => {
    const script =
      "while read line; do case $line in size) stty size;; quit) exit 5;; *) echo got $line;; esac; done";
    const t = onTerminal(
      start(box.container("a", { argv: ["sh", "-c", script], tty: true, stdin: 1, streams: 3 })),
    );
    t.terminal.write("one\r");
    await t.shows("got one");
    t.terminal.write("\x10\x11");
    expect(await t.child.exited).toBe(0);
    expect(t.isCooked()).toBe(true);
    const again = onTerminal([box.holdfast, "attach", socket("a"), "3", "1", "1011"]);
    await eventually(() => !again.isCooked(), "raw mode");
    again.terminal.write("size\r");
    await again.shows("40 100");
    again.terminal.write("quit\r");
    expect(await again.child.exited).toBe(5);
    expect(again.isCooked()).toBe(true);
  });

  test("run -i: stdin to its end, streams apart, status", () => {
    const plan = box.container("a", {
      argv: ["sh", "-c", "cat; echo err >&2; exit 4"],
      stdin: 2,
      streams: 7,
    });
    const input = "0123456789abcdef".repeat(20_000);
    const { code, stdout, stderr } = box.run("start", plan, input);
    expect([code, stdout === input, stderr]).toEqual([4, true, "err\n"]);
  });

  test("a client whose output nobody reads does not hold the container's ports when that has ended", async () => {
    const free = createServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const { port } = free.address() as AddressInfo;
    free.close();
    const plan = box.container("a", { argv: ["head", "-c", "100000", "/bin/busybox"] });
    const local = Uint8Array.of(127, 0, 0, 1);
    const listener = { protocol: 6, address: local, port, count: 1 };
    plan.add("launch", "publish", { ...listener, target: local, targetPort: port, prefix: 8 });
    box.runShell(`mkfifo ${box.dir}/unread`);
    const unread = openSync(join(box.dir, "unread"), constants.O_RDWR);
    const launcher = box.spawnTo(unread, "start", plan);
    await eventually(() => existsSync(join(box.dir, "exit/a")) && box.holders().length === 0, "the end");
    expect(launcher.exitCode).toBeNull();
    const next = createServer().listen(port, "127.0.0.1");
    await once(next, "listening");
    next.close();
    launcher.kill(9);
    await launcher.exited;
    closeSync(unread);
  });

  test("signals to the foreground client reach the container, which decides", async () => {
    const script = "trap 'echo caught; exit 6' TERM; echo ready; while :; do sleep 0.02; done";
    const run = box.spawn("start", box.container("a", { argv: ["sh", "-c", script] }));
    await eventually(() => existsSync(join(box.dir, "run/a/log")) && log("a").includes("ready"), "ready");
    run.kill("SIGTERM");
    expect(await run.exited).toBe(6);
    expect(await new Response(run.stdout).text()).toBe("ready\ncaught\n");
  });

  test("a signal that comes before the container runs reaches it as well, and not the client alone", async () => {
    const ready = join(box.dir, "run/ready");
    const plan = box.container("a", { argv: ["sleep", "30"], init: true });
    plan.add("monitor", "run", { argv: ["/bin/sh", "-c", `>${ready}; sleep 0.5`], env: [], pidArg: NO_SLOT });
    const run = box.spawn("start", plan);
    await eventually(() => existsSync(ready), "the start to be under way");
    run.kill("SIGINT");
    expect([await run.exited, run.signalCode]).toEqual([130, null]);
    expect(box.exit("a")).toStartWith("code 130\n");
  });

  test("a signal that comes before a start fails does not stop the failure from being told", async () => {
    const ready = join(box.dir, "run/ready");
    const plan = box.container("a", { argv: ["no-such-program"] });
    plan.add("monitor", "run", { argv: ["/bin/sh", "-c", `>${ready}; sleep 0.5`], env: [], pidArg: NO_SLOT });
    const run = box.spawn("start", plan);
    await eventually(() => existsSync(ready), "the start to be under way");
    run.kill("SIGINT");
    expect([await run.exited, run.signalCode]).toEqual([42, null]);
  });

  test("kelp's own client signals, waits, and finds everything written when told of the end", async () => {
    const script = "trap 'echo caught' USR1; echo ready; while :; do sleep 0.02; done";
    box.run("start", box.container("a", { argv: ["sh", "-c", script], attach: false }));
    await eventually(() => log("a").includes("ready"), "ready");
    expect(await call("sendSignal", socket("a"), 10)).toEqual({ kind: "sent" });
    await eventually(() => log("a").includes("caught"), "the trap");
    expect(await call("waitForExit", socket("a"), 20)).toEqual({ kind: "timeout" });
    const exit = await call("signalAndWait", socket("a"), 9, 5_000);
    expect(exit).toEqual({ kind: "exited", code: 137, signal: 9, oom: false });
    expect(box.exit("a")).toStartWith("code 137\nsignal 9\n");
    expect(readdirSync(join(box.dir, "run/a"))).toEqual(["log"]);
  });

  test.skipIf(process.getuid!() !== 0)("nobody else may connect, not even root", async () => {
    box.run("start", box.container("a", { argv: ["sh", "-c", "exec sleep 30"], attach: false }));
    expect(await sendSignal(socket("a"), 9).catch((error) => error.code)).toBe("monitor-refuses");
    process.kill(box.status("a").init, "SIGKILL");
  });

  test("finish is done before a foreground client returns", () => {
    const plan = box.container("a", { argv: ["true"] });
    plan.add("finish", "run", { argv: ["/bin/sleep", "0.2"], env: [], pidArg: 0xffffffff });
    plan.add("finish", "makeMarker", { path: join(box.dir, "run/finished") });
    expect(box.run("start", plan).code).toBe(0);
    expect(existsSync(join(box.dir, "run/finished"))).toBe(true);
  });

  test("what vanishes at the end stays while a client keeps it, and only then", async () => {
    const marker = (name: string) => join(box.dir, `run/${name}-vanished`);
    const start = (name: string) => {
      const plan = box.container(name, { argv: ["sh", "-c", "exec sleep 30"], attach: false });
      plan.add("vanish", "makeMarker", { path: marker(name) });
      box.run("start", plan);
    };
    start("a");
    start("b");
    expect(await call("keepAndEnd", socket("a"), 1)).toEqual([true, "exited"]);
    expect(await call("keepAndEnd", socket("b"), 0)).toEqual([true, "exited"]);
    expect(existsSync(marker("a"))).toBe(false);
    expect(existsSync(marker("b"))).toBe(true);
  });

  test("an idle monitor is one small process with few descriptors", async () => {
    box.run("start", box.container("a", { argv: ["sh", "-c", "echo up; exec sleep 30"], attach: false }));
    await eventually(() => log("a").includes("up"), "up");
    const { monitor } = box.status("a");
    const rollup = readFileSync(`/proc/${monitor}/smaps_rollup`, "utf8");
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(rollup)![1]);
    expect(field("Anonymous")).toBeLessThan(160); // the rest is the program's file, shared with every other monitor
    expect(readdirSync(`/proc/${monitor}/fd`).length).toBeLessThanOrEqual(16);
    await call("signalAndWait", socket("a"), 9, 5_000);
  });

  test("a link in place of the log stops the start before anything runs", () => {
    const plan = box.container("a", { argv: ["true"] });
    const canary = join(box.mkdir("canary"), "file");
    Bun.spawnSync(["sh", "-c", `echo kept >${canary}; ln -s ${canary} ${join(box.dir, "run/a/log")}`]);
    expect(box.run("start", plan).code).toBe(42);
    expect(box.failure()?.slice(0, 3)).toEqual([...plan.where("log"), "40"]);
    expect(readFileSync(canary, "utf8")).toBe("kept\n");
  });
});
