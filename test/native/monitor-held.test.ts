/** A first process that is made ready and waits: the word that lets it go, and every other way in which that ends. */
import { expect, test } from "bun:test";
import { MonitorClient, sendSignal, startHeld, waitForExit } from "../../src/runtime/index.ts";
import { HOST, until, useMonitorHost } from "./monitor-host.ts";

const host = useMonitorHost();
const sh = (script: string): string[] => ["sh", "-c", script];

test("it runs nothing before it is told to, and then as any other", async () => {
  const h = host();
  const monitor = await h.monitor(["-q", "-l", h.log], sh("echo begun; exit 4"));
  expect(h.read("status")).toContain("held 1\n");
  expect(h.read("status")).toContain("started 0 0\n");
  expect(h.read("log")).toBe("");
  const end = waitForExit(h.socket);
  await until("the waiter is there", () => h.read("status") !== "");
  expect(await startHeld(h.socket)).toEqual({ kind: "started" });
  expect(await end).toMatchObject({ kind: "exited", code: 4 });
  expect(await monitor.exited).toBe(4);
  expect(h.read("log")).toContain("stdout F begun\n");
  expect(h.read("exit")).not.toContain("started 0 0\n");
});

test("a status that says it runs has its start", async () => {
  const h = host();
  await h.monitor(["-q"], ["sleep", "60"]);
  expect(await startHeld(h.socket)).toEqual({ kind: "started" });
  expect(h.read("status")).not.toContain("held");
  expect(h.read("status")).not.toContain("started 0 0\n");
});

test("a client that lets it go sees its output from the first byte, and its status", async () => {
  const h = host();
  await h.monitor(["-q", "-s", "2"], sh("echo first; cat; exit 6"));
  const client = h.start([HOST, "attach", h.socket, "7", "0", "", "/bin/false"]);
  client.stdin.write("input\n");
  await client.stdin.end();
  expect(await new Response(client.stdout).text()).toBe("first\ninput\n");
  expect(await client.exited).toBe(6);
});

test("of two who let it go one does, and both know that it runs", async () => {
  const h = host();
  await h.monitor(["-q"], ["sleep", "60"]);
  const results = await Promise.all([startHeld(h.socket), startHeld(h.socket)]);
  expect(results.map(({ kind }) => kind).sort()).toEqual(["not-held", "started"]);
});

test("where none is held the word is refused, and nothing happens", async () => {
  const h = host();
  await h.monitor([], ["sleep", "60"]);
  expect(await startHeld(h.socket)).toEqual({ kind: "not-held" });
});

test("any signal ends it at once, and no restart rule brings it back", async () => {
  const h = host();
  const monitor = await h.monitor(["-q", "-r", "2", "-w", "10"], sh("echo never"));
  expect(await sendSignal(h.socket, 1)).toEqual({ kind: "sent" });
  expect(await monitor.exited).toBe(137);
  expect(h.read("exit")).toContain("code 137\nsignal 9\n");
  expect(h.read("exit")).toContain("started 0 0\n");
  expect(h.read("exit")).toContain("restarts 0\n");
});

test("killed from outside it ends as any other", async () => {
  const h = host();
  const monitor = await h.monitor(["-q", "-r", "2", "-w", "10"], sh("echo never"));
  process.kill(Number(h.read("pid")), "SIGKILL");
  expect(await monitor.exited).toBe(137);
});

test("SIGTERM to its monitor ends it", async () => {
  const h = host();
  const monitor = await h.monitor(["-q"], sh("echo never"));
  monitor.kill("SIGTERM");
  expect(await monitor.exited).toBe(137);
});

test("it dies with its monitor", async () => {
  const h = host();
  const monitor = await h.monitor(["-q"], sh("echo never"));
  const pid = Number(h.read("pid"));
  monitor.kill("SIGKILL");
  const isThere = () => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  await until("the process is gone", () => !isThere());
  expect(h.read("exit")).toBe("");
});

test("its restart rule applies from the start on, and a further process is not held", async () => {
  const h = host();
  await h.monitor(["-q", "-r", "2", "-w", "10"], sh("exit 1"));
  expect(await startHeld(h.socket)).toEqual({ kind: "started" });
  await until("it was started again", () => /restarts [1-9]/.test(h.read("status")));
  expect(h.read("status")).not.toContain("held");
});

test("its time is counted, and its health checks are made, from the start on", async () => {
  const h = host();
  const monitor = await h.monitor(
    ["-q", "-x", "400", "-y", `echo x >> ${h.dir}/checked`, "-i", "20"],
    ["sleep", "60"],
  );
  await Bun.sleep(500);
  expect(h.read("status")).toContain("held 1\n");
  expect(h.read("checked")).toBe("");
  expect(await startHeld(h.socket)).toEqual({ kind: "started" });
  expect(await monitor.exited).toBe(255);
  expect(h.read("checked")).not.toBe("");
  expect(h.read("exit")).toContain("timeout 1\n");
});

test("a service manager hears of it from the start on", async () => {
  const h = host();
  const manager = h.start([HOST, "hear", `${h.dir}/manager`, "-"]);
  const output = manager.stdout.getReader();
  const next = async () => new TextDecoder().decode((await output.read()).value);
  expect(await next()).toBe("hearing\n");
  await h.monitor(["-q", "-N", `${h.dir}/manager`], ["sleep", "60"]);
  await h.start([HOST, "tell", `${h.dir}/manager`, "before"]).exited;
  expect(await next()).toBe("[before]\n");
  await startHeld(h.socket);
  expect(await next()).toStartWith("[MAINPID=");
});

test("with a terminal too", async () => {
  const h = host();
  await h.monitor(["-q", "-t"], sh("tty >/dev/null && echo on a terminal"));
  const client = h.start([HOST, "attach", h.socket, "6", "0", "", "/bin/false"]);
  expect(await new Response(client.stdout).text()).toBe("on a terminal\r\n");
});

test("a command that cannot be executed: who let it go learns where and why, the others that it failed", async () => {
  const h = host();
  const monitor = await h.monitor(["-q"], ["/nonesuch"]);
  const other = await MonitorClient.connect(h.socket);
  const result = await startHeld(h.socket);
  expect(result).toMatchObject({ kind: "failed", errno: 2 });
  expect(await other?.waitForExit()).toEqual({ kind: "gone" });
  expect(await monitor.exited).toBe(125);
  expect(h.read("exit")).toBe("");
  expect(h.read("status")).toBe("");
});

test("the same as a client: it becomes the program for failures, with stage, index and errno as further words", async () => {
  const h = host();
  await h.monitor(["-q"], ["/nonesuch"]);
  const client = h.start([HOST, "attach", h.socket, "6", "0", "", "/bin/echo", "failed:"]);
  expect(await new Response(client.stdout).text()).toBe("failed: exec 0 2\n");
  expect(await client.exited).toBe(0);
});
