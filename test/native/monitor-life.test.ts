/** A monitor that starts its container again: rules, pauses, and how both are ended. */
import { describe, expect, test } from "bun:test";
import { MonitorClient, sendSignal, waitForExit, waitForProcess } from "../../src/runtime/index.ts";
import { HOST, type Host, until, useMonitorHost } from "./monitor-host.ts";

const host = useMonitorHost();
const sh = (script: string): string[] => ["sh", "-c", script];
const lines = (h: Host): string[] =>
  h
    .read("log")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" ").slice(3).join(" "));
const ON_FAILURE = ["-r", "1", "-w", "10"];
const ALWAYS = ["-r", "2", "-w", "10"];

describe("starting again", () => {
  test("after failures, as often as it may, and the last status is the container's", () => {
    const h = host();
    const done = h.run("run", ["-l", h.log, ...ON_FAILURE, "-n", "2"], sh("echo life; exit 3"));
    expect(done).toMatchObject({ code: 3, stdout: "life\nlife\nlife\n" });
    expect(lines(h)).toEqual(["life", "life", "life"]);
    expect(h.read("exit")).toContain("code 3\n");
    expect(h.read("exit")).toContain("restarts 2\n");
  });

  test("not after a success, if only failures count", () => {
    const h = host();
    expect(h.run("run", [...ON_FAILURE], sh("echo life; exit 0"))).toMatchObject({
      code: 0,
      stdout: "life\n",
    });
    expect(h.read("exit")).toContain("restarts 0\n");
  });

  test("with a terminal as with pipes", () => {
    const h = host();
    const done = h.run("run", ["-t", ...ON_FAILURE, "-n", "1"], sh("echo life; exit 1"));
    expect(done.stdout).toBe("life\r\nlife\r\n");
  });

  test("a client that reads late misses nothing of any life", async () => {
    const h = host();
    const monitor = await h.monitor(["-s", "1", ...ON_FAILURE, "-n", "1"], sh("read x; seq 1 20000; exit 1"));
    const client = h.start([HOST, "attach", h.socket, "7", "0", ""]);
    client.stdin.write("go\n");
    await Bun.sleep(300);
    client.stdin.write("go\n");
    await client.stdin.flush();
    const text = await new Response(client.stdout).text();
    expect(text.split("\n").filter((line) => line === "20000").length).toBe(2);
    await monitor.exited;
  });
});

describe("ending it", () => {
  test("a client's stop signal ends it for good", async () => {
    const h = host();
    const monitor = await h.monitor(ALWAYS, ["sleep", "60"]);
    expect(await sendSignal(h.socket, 15)).toEqual({ kind: "sent" });
    expect(await monitor.exited).toBe(143);
    expect(h.read("exit")).toContain("code 143\n");
  });

  test("another signal does not", async () => {
    const h = host();
    await h.monitor(ALWAYS, ["sleep", "60"]);
    await sendSignal(h.socket, 10);
    await until("it runs again", () => /restarts 1/.test(h.read("status")) && !/code/.test(h.read("status")));
  });

  test("in the pause too, and at once", async () => {
    const h = host();
    const monitor = await h.monitor(["-r", "2", "-w", "60000"], sh("exit 5"));
    await until("the pause", () => h.read("status").includes("code 5\n"));
    expect(h.read("status")).toContain("init 0 0\n");
    expect(await waitForProcess(h.socket)).toMatchObject({ kind: "exited", code: 5 });
    const end = waitForExit(h.socket);
    expect(await sendSignal(h.socket, 15)).toEqual({ kind: "no-process" });
    expect(await end).toMatchObject({ kind: "exited", code: 5 });
    expect(await monitor.exited).toBe(5);
  });

  test("who wants to know of every end is told of it", async () => {
    const h = host();
    await h.monitor(ALWAYS, sh("read x < /dev/null; sleep 0.2; exit 4"));
    expect(await waitForProcess(h.socket)).toMatchObject({ kind: "exited", code: 4 });
    const client = await MonitorClient.connect(h.socket);
    expect(await client?.waitForExit(500)).toEqual({ kind: "timeout" });
    client?.close();
  });
});

test("a container whose time is over is killed, with status 255", () => {
  const h = host();
  const started = Date.now();
  expect(h.run("run", ["-x", "150"], ["sleep", "60"]).code).toBe(255);
  expect(Date.now() - started).toBeLessThan(3000);
  expect(h.read("exit")).toContain("timeout 1\n");
});

test("passed through, the streams are the caller's own", () => {
  const h = host();
  const done = h.run("run", ["-p", "-c", "0"], sh("cat; echo err >&2; exit 2"), "input\n");
  expect(done).toEqual({ code: 2, stdout: "input\n", stderr: "err\n" });
});

test("a journal that is not there costs the container nothing", () => {
  const h = host();
  expect(h.run("run", ["-j", `${h.dir}/nowhere`], ["echo", "hi"])).toMatchObject({ code: 0, stdout: "hi\n" });
});
