/** What clients may do to a monitor: too many of them, and frames that no client should send. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { spawnSync } from "bun";
import { HOST, HOST_PLAIN, until, useMonitorHost } from "./monitor-host.ts";

const NATIVE = join(import.meta.dir, "../../native");
const host = useMonitorHost();

describe("without descriptors left", () => {
  /** More than the monitor polls at once, which is bounded by this too; less than its 64 clients and what it begins with. */
  const LIMIT = 100;
  const crowded = (dir: string): string => {
    const path = join(dir, "crowded");
    const more = Array.from({ length: 40 }, (_, i) => `${20 + i}</dev/null`).join(" ");
    writeFileSync(path, `#!/bin/bash\nexec ${more}\nexec ${HOST_PLAIN} "$@"\n`, { mode: 0o755 });
    return path;
  };
  /** Clock ticks of processor time, of which there are a hundred a second. */
  const ticks = (pid: number) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return Number(fields[11]) + Number(fields[12]);
  };
  const limit = (pid: number, files: number) => {
    const { success, stderr } = spawnSync(["prlimit", "--pid", `${pid}`, `--nofile=${files}:`]);
    if (!success) throw new Error(stderr.toString());
  };

  test("clients wait in the queue without the monitor turning in circles, and come in afterwards", async () => {
    const h = host();
    const monitor = await h.monitor([], ["sleep", "30"], crowded(h.dir));
    limit(monitor.pid, LIMIT);
    const sockets = Array.from({ length: 64 }, () => createConnection(h.socket));
    for (const socket of sockets) socket.on("error", () => {});
    await until("every descriptor taken", () => readdirSync(`/proc/${monitor.pid}/fd`).length === LIMIT);
    const before = ticks(monitor.pid);
    await Bun.sleep(1000);
    expect(ticks(monitor.pid) - before).toBeLessThan(20);
    limit(monitor.pid, 1024);
    for (const socket of sockets) socket.destroy();
    const client = createConnection(h.socket);
    let answer = 0;
    client.on("data", (bytes) => {
      answer = bytes[0]!;
    });
    client.write(Buffer.from([1, 0, 4, 0, 0, 0, 0, 0]));
    await until("READY", () => answer === 0x81);
    client.destroy();
  });
});

test("noise of any kind harms its sender alone: frames in pieces, mutated, with descriptors (fuzz-protocol)", () => {
  const made = spawnSync(["make", "-s", "-C", NATIVE, "build/fuzz-protocol"]);
  expect(made.stderr.toString()).toBe("");
  const { exitCode, stderr } = spawnSync([join(NATIVE, "build/fuzz-protocol"), "2000"], { stderr: "pipe" });
  expect([exitCode, stderr.toString()]).toEqual([0, ""]);
}, 60_000);

test("so does noise from a container or a monitor: what may not get through does not (fuzz-peers)", () => {
  const made = spawnSync(["make", "-s", "-C", NATIVE, "build/fuzz-peers"]);
  expect(made.stderr.toString()).toBe("");
  const fuzz = [join(NATIVE, "build/fuzz-peers"), "20000"];
  const { exitCode, stderr } = spawnSync(fuzz, { stderr: "pipe", timeout: 50_000 });
  expect([exitCode, stderr.toString()]).toEqual([0, ""]);
}, 60_000);

describe("frames that no client should send", () => {
  const hello = Buffer.from([1, 0, 4, 0, 7, 0, 0, 0]);
  const bad: Record<string, Buffer> = {
    "an unknown type": Buffer.concat([hello, Buffer.from([0x7f, 0, 0, 0])]),
    "a wrong length": Buffer.concat([hello, Buffer.from([5, 0, 8, 0])]),
    "a second HELLO": Buffer.concat([hello, hello]),
    "no HELLO first": Buffer.from([3, 0, 0, 0]),
    "a second byte that is not zero": Buffer.concat([hello, Buffer.from([3, 1, 0, 0])]),
    "STDIN that is too long": Buffer.concat([hello, Buffer.from([2, 0, 1, 0x40])]),
    "STDIN without having asked for it": Buffer.from([1, 0, 4, 0, 2, 0, 0, 0, 2, 0, 1, 0, 65]),
  };
  for (const [name, bytes] of Object.entries(bad)) {
    test(`${name} drops the client, not the container`, async () => {
      const h = host();
      const monitor = await h.monitor(["-s", "1"], ["sleep", "9"]);
      const socket = createConnection(h.socket);
      const closed = new Promise((resolve) => socket.on("close", resolve));
      socket.on("error", () => {});
      socket.write(bytes);
      await closed;
      expect(monitor.exitCode).toBeNull();
    });
  }

  test("a frame broken off in the middle harms nobody", async () => {
    const h = host();
    const monitor = await h.monitor(["-s", "1", "-l", h.log], ["cat"]);
    for (const cut of [1, 3, 4, 6, 8, 9, 12, 100]) {
      const socket = createConnection(h.socket);
      const bytes = Buffer.concat([hello, Buffer.from([2, 0, 0, 2]), Buffer.alloc(0x200, 65)]);
      await new Promise((resolve) => socket.write(bytes.subarray(0, cut), resolve));
      socket.destroy();
    }
    const client = h.start([HOST, "attach", h.socket, "3", "0", ""]);
    client.stdin.write("whole\n");
    client.stdin.flush();
    await until("the line in the log", () => h.read("log").includes("whole"));
    expect(monitor.exitCode).toBeNull();
  });
});
