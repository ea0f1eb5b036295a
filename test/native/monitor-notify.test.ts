/** What a service manager is told of a container, and what of the container's own words gets through to it. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkHealth } from "../../src/runtime/index.ts";
import { HOST, type Host, type Piped, until, useMonitorHost } from "./monitor-host.ts";

const host = useMonitorHost();
const SLEEP = ["sleep", "60"];
const [BY_HEALTH, BY_CONTAINER] = ["1", "2"] as const;

interface Manager {
  readonly child: Piped;
  readonly socket: string;
  /** Everything heard so far, a message in brackets each. */
  heard(): string;
}

async function manager(h: Host): Promise<Manager> {
  const socket = join(h.dir, "manager");
  const child: Piped = h.start([HOST, "hear", socket, "-"]);
  let text = "";
  void (async () => {
    for await (const chunk of child.stdout) text += Buffer.from(chunk).toString();
  })();
  await until("the manager listens", () => text.startsWith("hearing\n"));
  return { child, socket, heard: () => text.slice("hearing\n".length) };
}

async function tell(h: Host, text: string): Promise<void> {
  await h.start([HOST, "tell", join(h.dir, "proxy", "notify"), text]).exited;
}

describe("the manager is told", () => {
  test("the main process and that it is ready before the caller goes on, once for all restarts", async () => {
    const h = host();
    const { socket, heard } = await manager(h);
    const monitor = await h.monitor(["-N", socket, "-r", "2", "-n", "0", "-w", "10"], ["sleep", "0.05"]);
    await until("three lives", () => /^restarts [2-9]/m.test(h.read("status")));
    expect(heard()).toBe(`[MAINPID=${monitor.pid}\nREADY=1]\n`);
  });

  test("that it is ready once the health check says so", async () => {
    const h = host();
    const { socket, heard } = await manager(h);
    const monitor = await h.monitor(["-N", socket, "-H", BY_HEALTH, "-y", `[ -e ${h.dir}/well ]`], SLEEP);
    const first = `[MAINPID=${monitor.pid}]\n`;
    await checkHealth(h.socket);
    expect(heard()).toBe(first);
    await Bun.write(join(h.dir, "well"), "");
    await checkHealth(h.socket);
    await checkHealth(h.socket);
    await until("ready", () => heard() !== first);
    expect(heard()).toBe(`${first}[READY=1]\n`);
  });

  test("that we are to be asked for the end: SIGTERM is the container's stop signal", async () => {
    const h = host();
    const { socket } = await manager(h);
    const monitor = await h.monitor(
      ["-N", socket, "-r", "2"],
      ["sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.02; done"],
    );
    await Bun.sleep(100);
    monitor.kill("SIGTERM");
    expect(await monitor.exited).toBe(5);
    expect(h.read("exit")).toContain("restarts 0\n");
  });

  test("that its watchdog has lost patience: SIGABRT is the container's, and SIGKILL what does not end by it", async () => {
    for (const [script, code] of [
      ["trap 'exit 6' ABRT; while :; do sleep 0.02; done", 6],
      ["trap '' ABRT; while :; do sleep 0.02; done", 137],
    ] as const) {
      const h = host();
      const { socket } = await manager(h);
      const monitor = await h.monitor(["-N", socket, "-r", "2"], ["sh", "-c", script]);
      await Bun.sleep(100);
      monitor.kill("SIGABRT");
      expect(await monitor.exited).toBe(code);
      expect(h.read("exit")).toContain("restarts 0\n");
    }
  });

  test("by the monitor's own status how the container ended", async () => {
    const h = host();
    const { socket } = await manager(h);
    const monitor = await h.monitor(["-N", socket], ["sh", "-c", "exit 7"]);
    expect(await monitor.exited).toBe(7);
  });
});

test("each event is an entry of its own in the journal", async () => {
  const h = host();
  const { socket, heard } = await manager(h);
  const monitor = await h.monitor(["-E", socket], ["sh", "-c", "exit 4"]);
  await monitor.exited;
  await until("the end", () => heard().includes("C="));
  expect(heard()).toBe("[A=1\n]\n[B=0\n]\n[C=4\n]\n");
});

describe("of what the container says", () => {
  test("those fields get through that the plan names, and descriptors do not", async () => {
    const h = host();
    const { socket, heard } = await manager(h);
    mkdirSync(join(h.dir, "proxy"));
    const monitor = await h.monitor(["-N", socket, "-H", BY_CONTAINER, "-P", join(h.dir, "proxy")], SLEEP);
    await tell(h, "A=1\nMAINPID=1\nB=two=2\n");
    await tell(h, "AB=1\nMAINPID=1");
    await tell(h, "A");
    await tell(h, `A=${"x".repeat(4095)}`);
    await tell(h, "\n\n\nB=\n");
    await until("the last one", () => heard().endsWith("[B=]\n"));
    expect(heard()).toBe(`[MAINPID=${monitor.pid}]\n[A=1\nB=two=2]\n[B=]\n`);
  });

  test("nothing is lost with a manager that takes its time, and nobody waits for it", async () => {
    const h = host();
    const { child, socket, heard } = await manager(h);
    mkdirSync(join(h.dir, "proxy"));
    const monitor = await h.monitor(["-N", socket, "-H", BY_CONTAINER, "-P", join(h.dir, "proxy")], SLEEP);
    const first = `[MAINPID=${monitor.pid}]\n`;
    await until("the first word", () => heard() === first);
    child.kill("SIGSTOP");
    const queue = Number(readFileSync("/proc/sys/net/unix/max_dgram_qlen", "utf8"));
    const words = Array.from({ length: queue + 5 }, (_, i) => `A=${i}`);
    for (const word of words) await tell(h, word);
    expect(await checkHealth(h.socket)).toEqual({ exitCode: 0, state: 0 });
    child.kill("SIGCONT");
    await until("the last one", () => heard().endsWith(`[${words.at(-1)}]\n`));
    expect(heard()).toBe(first + words.map((word) => `[${word}]\n`).join(""));
  });

  test("its last words are passed on", async () => {
    const h = host();
    const { socket, heard } = await manager(h);
    mkdirSync(join(h.dir, "proxy"));
    const monitor = await h.monitor(
      ["-N", socket, "-H", BY_CONTAINER, "-P", join(h.dir, "proxy")],
      [HOST, "tell", join(h.dir, "proxy", "notify"), "A=bye"],
    );
    expect(await monitor.exited).toBe(0);
    await until("the last words", () => heard().endsWith("[A=bye]\n"));
  });

  test("nothing stops the container when the manager has gone", async () => {
    const h = host();
    const socket = join(h.dir, "manager");
    const gone = h.start([HOST, "hear", socket, "-"]);
    await gone.stdout.getReader().read();
    mkdirSync(join(h.dir, "proxy"));
    const ready = join(h.dir, "go");
    const monitor = await h.monitor(
      ["-N", socket, "-H", BY_CONTAINER, "-P", join(h.dir, "proxy")],
      ["sh", "-c", `while ! [ -e ${ready} ]; do sleep 0.02; done`],
    );
    gone.kill(9);
    await gone.exited;
    await tell(h, "A=1");
    await Bun.write(ready, "");
    expect(await monitor.exited).toBe(0);
  });
});
