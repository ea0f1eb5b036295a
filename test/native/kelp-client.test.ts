import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import {
  MonitorClient,
  reopenLog,
  sendSignal,
  signalAndWait,
  waitForExit,
} from "../../src/runtime/monitor-client.ts";
import { until, useMonitorHost } from "./monitor-host.ts";

const host = useMonitorHost();
const sh = (script: string): string[] => ["sh", "-c", script];

describe("kelp's client of a real monitor", () => {
  test("sends a signal and is told what became of it", async () => {
    const h = host();
    await h.monitor(["-l", h.log], sh("trap 'echo caught' USR1; echo ready; while :; do sleep 0.01; done"));
    await until("ready", () => h.read("log").includes("ready"));
    expect(await sendSignal(h.socket, 10)).toEqual({ kind: "sent" });
    await until("the trap", () => h.read("log").includes("caught"));
    expect(await sendSignal(h.socket, 0)).toEqual({ kind: "sent" });
    expect(await sendSignal(h.socket, 200)).toEqual({ kind: "refused", errno: 22 });
  });

  test("waits for the end, with a limit or without", async () => {
    const h = host();
    await h.monitor([], sh("sleep 0.2; exit 7"));
    expect(await waitForExit(h.socket, 20)).toEqual({ kind: "timeout" });
    const exits = await Promise.all([waitForExit(h.socket), waitForExit(h.socket, 5000)]);
    for (const exit of exits) expect(exit).toEqual({ kind: "exited", code: 7, signal: 0, oom: false });
    expect(h.read("exit")).toStartWith("code 7\n");
  });

  test("stops: signals and waits on one connection", async () => {
    const h = host();
    await h.monitor(["-l", h.log], sh("trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done"));
    await until("ready", () => h.read("log").includes("ready"));
    expect(await signalAndWait(h.socket, 15, 5000)).toEqual({
      kind: "exited",
      code: 3,
      signal: 0,
      oom: false,
    });
  });

  test("a process that ignores the signal times out, and SIGKILL ends it", async () => {
    const h = host();
    await h.monitor(["-l", h.log], sh("trap '' TERM; echo ready; while :; do sleep 0.01; done"));
    await until("ready", () => h.read("log").includes("ready"));
    expect(await signalAndWait(h.socket, 15, 50)).toEqual({ kind: "timeout" });
    expect(await signalAndWait(h.socket, 9, 5000)).toEqual({
      kind: "exited",
      code: 137,
      signal: 9,
      oom: false,
    });
  });

  test("a killed monitor is gone, not an error", async () => {
    const h = host();
    const monitor = await h.monitor([], sh("exec sleep 9"));
    const waiting = waitForExit(h.socket);
    await Bun.sleep(20);
    monitor.kill("SIGKILL");
    expect(await waiting).toEqual({ kind: "gone" });
    await monitor.exited;
    expect(await sendSignal(h.socket, 15)).toEqual({ kind: "gone" });
    expect(await reopenLog(h.socket)).toBe(false);
    expect(await MonitorClient.connect(join(h.dir, "nothing"))).toBeUndefined();
  });

  test("reaches a socket whose path is longer than an address", async () => {
    const h = host();
    const deep = join(h.dir, "d".repeat(200));
    mkdirSync(deep);
    await h.monitor([], sh("sleep 1; exit 2"));
    symlinkSync("../socket", join(deep, "socket"));
    expect(await waitForExit(join(deep, "socket"))).toMatchObject({ kind: "exited", code: 2 });
  });
});
