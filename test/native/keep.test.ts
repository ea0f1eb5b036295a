/** Programs that live as long as a network is needed, and their keepers: with hand-made plans, also under the sanitizers. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NO_SLOT, type OpArgs } from "../../src/runtime/plan/ops.ts";
import { ACCOUNT, BUILD_TIME, buildHoldfast, eventually, MISSING, type PlanText, Sandbox } from "./plans.ts";

if (MISSING !== undefined) console.error(`SKIPPED: holdfast keep: ${MISSING}`);
const EVERYTHING = (1n << 64n) - 1n;
const NET_BIND = 1n << 10n;

describe.skipIf(MISSING !== undefined)("holdfast keep", () => {
  beforeAll(buildHoldfast, BUILD_TIME);
  let box: Sandbox;
  beforeEach(() => {
    box = new Sandbox();
    box.mkdir("net");
    box.mkdir("kept");
  });
  afterEach(async () => {
    await eventually(() => box.holders().length === 0, "every holder gone");
    await eventually(() => box.processes().length === 0, "every process gone");
    expect(readdirSync(join(box.dir, "net"))).toEqual([]);
    box.remove();
  });
  const path = (name: string) => join(box.dir, "kept", name);
  const read = (name: string) => (existsSync(path(name)) ? readFileSync(path(name), "utf8") : "");

  /** A container whose monitor is in a network, which has that program. */
  function member(
    name: string,
    argv: readonly string[],
    stage: "uplink" | "monitor",
    script: string,
    more: Partial<OpArgs<"keep">> = {},
    own = false,
  ): PlanText {
    const plan = box.container(name, { argv, attach: false });
    const at = plan.ops.findIndex(({ op }) => op === "joinBase");
    const join_ = plan.ops[at] as { args: OpArgs<"joinBase"> };
    const net = own ? { ownNet: 1 } : { net: join(box.dir, "net") };
    plan.ops[at] = { ...plan.ops[at]!, args: { ...join_.args, ...net } } as never;
    const keep: OpArgs<"keep"> = {
      lock: path("lock"),
      argv: ["/bin/sh", "-c", `cd ${box.dir}/kept; ${script}`],
      env: ["PATH=/usr/bin:/bin"],
      capabilities: EVERYTHING,
      outside: stage === "uplink" ? 1 : 0,
      onDemand: 0,
      failed: "",
      directory: "",
      leftover: "",
      pauseMs: 10,
      pauseMaxMs: 40,
      stableMs: 60_000,
      cgroup: NO_SLOT,
      ...more,
    };
    // Before the monitor says that it is there, as it has the lock until then.
    const registered = plan.ops.findIndex(({ op }) => op === "registerHolder");
    plan.ops.splice(registered, 0, { op: "keep", stage, args: keep, tolerate: 0 } as never);
    if (stage === "uplink")
      plan.ops.splice(registered + 1, 0, {
        op: "awaitKept",
        stage: "monitor",
        args: { timeoutMs: 20_000 },
        tolerate: 0,
      } as never);
    return plan;
  }
  const end = async (name: string) => {
    process.kill(box.status(name).init, "SIGKILL");
    await eventually(() => existsSync(join(box.dir, "exit", name)), `the end of ${name}`);
  };
  const parent = (pid: number) =>
    Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  /** The shell's pid, as the host has it. */
  const LIFE = "cut -d ' ' -f 4 /proc/self/stat >> lives";
  const lives = () => read("lives").trim().split("\n").filter(Boolean);

  test("outside the network a program gets it, says that it works, and has nothing else of ours", async () => {
    const look =
      "ls /proc/self/fd > fds; readlink /proc/self/fd/5 > net; grep -E 'SigIgn|NoNewPrivs|CapBnd' /proc/self/status > status";
    const plan = member("a", ["sleep", "60"], "uplink", `${look}; echo >&4; exec sleep 60`, {
      capabilities: NET_BIND,
    });
    expect(box.run("start", plan)).toMatchObject({ code: 0 });
    expect(read("fds").split("\n").slice(0, 6)).toEqual(["0", "1", "2", "3", "4", "5"]);
    expect(read("fds").trim().split("\n").length).toBeLessThanOrEqual(7); // ls looks
    expect(read("net")).toMatch(/^net:/);
    expect(read("net").trim()).not.toBe(readlinkSync("/proc/self/ns/net"));
    // SIGHUP is ignored until the program says otherwise.
    expect(read("status")).toMatch(/^SigIgn:\t0{15}1\nCapBnd:\t0{13}400\nNoNewPrivs:\t1\n$/);
    await end("a");
  });

  test("one that ends before it works fails the start that waits for it, with its status", () => {
    const plan = member("a", ["true"], "uplink", "exit 7");
    box.run("start", plan);
    expect(box.failure()).toEqual([...plan.where("awaitKept"), "1007", String(ACCOUNT?.uid)]);
  });

  test("it lives until the last who holds the network ends, and what it leaves is removed", async () => {
    const script = `${LIFE}; echo >&4; touch leftover; exec sleep 60`;
    const plan = (name: string) =>
      member(name, ["sleep", "60"], "uplink", script, { leftover: path("leftover") });
    expect(box.run("start", plan("a")).code).toBe(0);
    expect(box.run("start", plan("b")).code).toBe(0);
    await eventually(() => existsSync(path("leftover")), "its file");
    await end("a");
    await Bun.sleep(100);
    expect([lives().length, existsSync(`/proc/${lives()[0]}`)]).toEqual([1, true]);
    await end("b");
    await eventually(() => !existsSync(path("leftover")), "its file gone");
    expect(existsSync(`/proc/${lives()[0]}`)).toBe(false);
  });

  test("killed it is started again; with its keeper it goes, and comes with the next start", async () => {
    const plan = (name: string) =>
      member(name, ["sleep", "60"], "monitor", `${LIFE}; exec sleep 60`, {
        directory: path("."),
        leftover: path("none"),
      });
    expect(box.run("start", plan("a")).code).toBe(0);
    await eventually(() => lives().length === 1, "its first life");
    process.kill(Number(lives()[0]), "SIGKILL");
    await eventually(() => lives().length === 2, "its second life");
    const second = Number(lives()[1]);
    process.kill(parent(parent(second)), "SIGKILL");
    await eventually(() => !existsSync(`/proc/${second}`), "its end");
    expect(box.run("start", plan("b")).code).toBe(0);
    await eventually(() => lives().length === 3, "its third life");
    await end("a");
    await end("b");
  });

  test("it is told when a file of its directory changes, and not started again once it has nothing to read", async () => {
    const dir = box.mkdir("kept/files");
    writeFileSync(join(dir, "one"), "");
    const loop = "while [ -e files/one ] || [ -e files/two ]; do sleep 0.05; done; exit 0";
    // A shell traps nothing that was ignored when it came.
    const shell = `exec env --default-signal=HUP sh -c "trap 'echo changed >> told' HUP; ${LIFE}; ${loop}"`;
    expect(box.run("start", member("a", ["sleep", "60"], "monitor", shell, { directory: dir })).code).toBe(0);
    await eventually(() => lives().length === 1, "its life");
    renameSync(join(dir, "one"), join(dir, "two"));
    await eventually(() => read("told") !== "", "word of the change");
    const keeper = parent(parent(Number(lives()[0])));
    box.runShell(`rm ${dir}/two`);
    await eventually(() => !existsSync(`/proc/${keeper}`), "the keeper's end");
    expect(lives().length).toBe(1);
    await end("a");
  });

  test("a network of one container ends its program before the container has ended", async () => {
    const script = `${LIFE}; echo >&4; exec sleep 60`;
    expect(box.run("start", member("a", ["sleep", "60"], "uplink", script, {}, true)).code).toBe(0);
    const { monitor } = box.status("a");
    await end("a");
    await eventually(() => !existsSync(`/proc/${monitor}`), "the monitor's end");
    expect(existsSync(`/proc/${lives()[0]}`)).toBe(false);
  });

  test("a keeper pins no directory of whoever started it, and none of its descriptors", async () => {
    const plan = box.write(member("a", ["sleep", "60"], "uplink", `${LIFE}; echo >&4; exec sleep 60`));
    box.runShell(`cd ${box.mkdir("home")} && exec ${box.holdfast} start ${plan} 7<${box.dir} >/dev/null`);
    const keeper = parent(parent(Number(lives()[0])));
    expect(readlinkSync(`/proc/${keeper}/cwd`)).toBe("/");
    const open = readdirSync(`/proc/${keeper}/fd`).map((fd) => readlinkSync(`/proc/${keeper}/fd/${fd}`));
    expect(open.filter((name) => name.startsWith(box.dir)).toSorted()).toEqual(
      [path("lock"), join(box.dir, "lock"), join(box.dir, "net")].toSorted(),
    );
    await end("a");
  });
});
