/** Health checks by the monitor's own timers: what they say, what follows, what they may not do. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  amendMonitor,
  checkHealth,
  parseHealthLog,
  sendSignal,
  waitForExit,
} from "../../src/runtime/index.ts";
import { type Host, until, useMonitorHost } from "./monitor-host.ts";

const host = useMonitorHost();
const [KILL, RESTART, STOP] = ["1", "2", "3"] as const;
const HEALTHY = /^state 2\n/;
const UNHEALTHY = /^state 3\n/;
const SLEEP = ["sleep", "60"];
const results = (h: Host) =>
  ["health.log.1", "health.log"].flatMap((name) => parseHealthLog(Buffer.from(h.read(name))));

function isAlive(pid: string): boolean {
  return existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
}

describe("the state", () => {
  test("is healthy after a success, which is logged with what it printed", async () => {
    const h = host();
    await h.monitor(["-y", "echo fine; echo too >&2", "-i", "20"], SLEEP);
    await until("healthy", () => HEALTHY.test(h.read("health")));
    expect(results(h)[0]).toMatchObject({ exitCode: 0, output: "fine\ntoo\n" });
  });

  test("is unhealthy after so many failures in a row, not before", async () => {
    const h = host();
    await h.monitor(["-y", "exit 3"], SLEEP);
    expect(await checkHealth(h.socket)).toEqual({ exitCode: 3, state: 1 });
    expect(await checkHealth(h.socket)).toEqual({ exitCode: 3, state: 3 });
    expect(h.read("health")).toBe("state 3\nfailing 2\n");
  });

  test("waits for the startup check", async () => {
    const h = host();
    const ready = join(h.dir, "ready");
    await h.monitor(["-z", "-y", `[ $0 = check ] || [ -e ${ready} ]`, "-i", "20"], SLEEP);
    await Bun.sleep(30);
    expect(h.read("health")).toStartWith("state 1\n");
    await Bun.write(ready, "");
    await until("healthy", () => HEALTHY.test(h.read("health")));
  });
});

describe("a check", () => {
  test("that hangs is killed, with all it started", async () => {
    const h = host();
    await h.monitor(["-y", `sleep 99 & echo $! > ${h.dir}/child; sleep 99`], SLEEP);
    expect(await checkHealth(h.socket)).toMatchObject({ exitCode: 124 });
    const child = h.read("child").trim();
    await until("the child is gone", () => !isAlive(child));
  });

  test("that hangs takes along what has left its process group, and the next one comes in time", async () => {
    const h = host();
    const away = `sh -c 'echo $$ >> ${h.dir}/away; sleep 99'`;
    await h.monitor(["-y", `setsid ${away} & timeout 99 ${away} & sleep 99`, "-i", "20"], SLEEP);
    await until("three checks", () => results(h).length >= 3, 20_000);
    expect(results(h).map(({ exitCode }) => exitCode)).toEqual(results(h).map(() => 124));
    const left = h.read("away").trim().split("\n").filter(isAlive);
    expect(left.length).toBeLessThanOrEqual(2); // of the check that runs now
  }, 30_000);

  test("in a start period has an interval of its own, until one succeeds", async () => {
    const h = host();
    const ready = join(h.dir, "ready");
    await h.monitor(["-y", `[ -e ${ready} ]`, "-i", "60000", "-S", "20"], SLEEP);
    await until("several failures", () => results(h).length >= 3);
    expect(h.read("health")).toBe("state 1\nfailing 0\n");
    await Bun.write(ready, "");
    await until("healthy", () => HEALTHY.test(h.read("health")));
    const count = results(h).length;
    await Bun.sleep(200);
    expect(results(h).length).toBe(count);
  });

  test("that floods us is cut short and waited for", async () => {
    const h = host();
    await h.monitor(["-y", "yes | head -c 3000000; exit 0"], SLEEP);
    expect(await checkHealth(h.socket)).toEqual({ exitCode: 0, state: 2 });
    expect(results(h)).toMatchObject([{ output: "y\n".repeat(10) }]);
  });

  test("is answered to all who asked while it ran, which was once", async () => {
    const h = host();
    await h.monitor(["-y", "sleep 0.1"], SLEEP);
    const answers = await Promise.all([checkHealth(h.socket), checkHealth(h.socket), checkHealth(h.socket)]);
    for (const answer of answers) expect(answer).toEqual({ exitCode: 0, state: 2 });
    expect(results(h).length).toBe(1);
  });

  test("cut off by the container's end says so and leaves no result", async () => {
    const h = host();
    const monitor = await h.monitor(["-y", "sleep 9"], ["sleep", "0.2"]);
    expect(await checkHealth(h.socket)).toMatchObject({ state: 4 });
    await monitor.exited;
    expect(h.read("health")).toBe("state 4\nfailing 0\n");
    expect(results(h)).toEqual([]);
  });

  test("that another plan lacks is over, whatever the client says of it", async () => {
    const h = host();
    const monitor = await h.monitor(["-y", "true", "-i", "20"], SLEEP);
    await until("healthy", () => HEALTHY.test(h.read("health")));
    expect(await amendMonitor(h.socket, false)).toBe(0);
    expect(await checkHealth(h.socket)).toEqual({ exitCode: 0, state: 0 });
    expect(monitor.exitCode).toBeNull();
  });

  test("leaves a log of bounded length", async () => {
    const h = host();
    await h.monitor(["-y", "echo x"], SLEEP);
    for (let i = 0; i < 10; i++) await checkHealth(h.socket);
    expect(results(h).length).toBeLessThanOrEqual(6);
    expect(results(h).length).toBeGreaterThanOrEqual(3);
  });
});

describe("an unhealthy container", () => {
  const failing = (action: string) => ["-y", "exit 1", "-i", "10", "-a", action];

  test("is killed, and not started again", async () => {
    const h = host();
    const monitor = await h.monitor([...failing(KILL), "-r", "2", "-w", "10"], SLEEP);
    expect(await monitor.exited).toBe(137);
    expect(h.read("exit")).toMatch(/^code 137\n(.*\n)*restarts 0\n/);
  });

  test("is stopped, with SIGKILL where the signal does nothing", async () => {
    const h = host();
    const monitor = await h.monitor(failing(STOP), ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]);
    await until("that it is being stopped", () => h.read("health") === "state 3\nfailing 2\nstopping 1\n");
    expect(await monitor.exited).toBe(137);
    expect(h.read("exit")).toContain("code 137\n");
  });

  test("is started again, and whoever asked hears when that is done", async () => {
    const h = host();
    await h.monitor(["-y", "exit 1", "-a", RESTART], SLEEP);
    await checkHealth(h.socket);
    await checkHealth(h.socket);
    expect(h.read("status")).toContain("restarts 1\n");
    expect(h.read("health")).toBe("state 1\nfailing 0\n");
    expect(UNHEALTHY.test(h.read("health"))).toBe(false);
  });

  test("is started again after a pause that grows: no more often than a container that ends by itself", async () => {
    const h = host();
    await h.monitor(["-y", "exit 1", "-i", "1", "-a", RESTART], SLEEP);
    await until("a second life", () => /restarts [1-9]/.test(h.read("status")));
    await Bun.sleep(2_000);
    const restarts = Number(/restarts (\d+)/.exec(h.read("status"))?.[1]);
    expect(restarts).toBeLessThanOrEqual(6); // 0.1 + 0.2 + 0.4 + 0.8 + 1.6 s
  });

  test("has an interval's time after that to get well", async () => {
    const h = host();
    await h.monitor(["-y", "exit 1", "-i", "1000", "-a", RESTART], SLEEP);
    await until(
      "a second life",
      () => /restarts 1/.test(h.read("status")) && !/code/.test(h.read("status")),
      10_000,
    );
    const count = results(h).length;
    await Bun.sleep(500);
    expect(results(h).length).toBe(count);
    expect(h.read("status")).not.toContain("code");
  });

  test("can still be ended for good", async () => {
    const h = host();
    await h.monitor(failing(RESTART), SLEEP);
    await until("a second life", () => /restarts [1-9]/.test(h.read("status")));
    const end = waitForExit(h.socket);
    await sendSignal(h.socket, 15);
    expect((await end).kind).toBe("exited");
  });
});

test("without a check a question for it is answered: there is none", async () => {
  const h = host();
  await h.monitor([], SLEEP);
  expect(await checkHealth(h.socket)).toEqual({ exitCode: 0, state: 0 });
});
