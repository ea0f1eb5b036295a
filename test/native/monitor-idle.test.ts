/** Nothing spins: whatever state streams and clients are in, waiting costs no processor time. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
import type { Subprocess } from "bun";
import { HOST, type Host, type Piped, useMonitorHost } from "./monitor-host.ts";

const host = useMonitorHost();
const sh = (script: string): string[] => ["sh", "-c", script];
const attach = (h: Host, streams: number): Piped =>
  h.start([HOST, "attach", h.socket, String(streams), "0", ""]);

/** Clock ticks (10 ms) a process has used. */
function ticks(process: Subprocess): number {
  const fields = readFileSync(`/proc/${process.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

async function expectIdle(...processes: Subprocess[]): Promise<void> {
  await Bun.sleep(60);
  const before = processes.map(ticks);
  await Bun.sleep(250);
  expect(processes.map((process, i) => ticks(process) - before[i]!).every((used) => used <= 2)).toBe(true);
}

describe("waiting is free", () => {
  test("with a silent process and a client", async () => {
    const h = host();
    const monitor = await h.monitor(["-s", "1"], ["sleep", "9"]);
    await expectIdle(monitor, attach(h, 7));
  });

  test("with a process that has closed its streams", async () => {
    const h = host();
    const monitor = await h.monitor(["-s", "1"], sh("exec <&- >&- 2>&-; exec sleep 9"));
    const client = attach(h, 7);
    client.stdin.write("nobody reads this\n");
    client.stdin.end();
    await expectIdle(monitor, client);
  });

  test("with a terminal that nobody has open", async () => {
    const h = host();
    const monitor = await h.monitor(["-t", "-s", "1"], sh("trap '' HUP; exec sleep 9 <&- >&- 2>&-"));
    await expectIdle(monitor, attach(h, 3));
  });

  test("with a reader that has stopped", async () => {
    const h = host();
    const monitor = await h.monitor([], ["cat", "/dev/zero"]);
    const reader = attach(h, 2);
    await reader.stdout.getReader().read();
    reader.kill("SIGSTOP");
    await expectIdle(monitor);
  });

  test("with a client whose own reader does not read", async () => {
    const h = host();
    const monitor = await h.monitor([], ["cat", "/dev/zero"]);
    const client = Bun.spawn(["sh", "-c", `${HOST} attach ${h.socket} 2 0 '' | sleep 1`]);
    await expectIdle(monitor);
    client.kill("SIGKILL");
  });

  test("with stdin that the process does not read, its client alive, half closed or gone", async () => {
    const h = host();
    const monitor = await h.monitor(["-s", "1"], ["sleep", "9"]);
    const client = attach(h, 3);
    client.stdin.write("x".repeat(2_000_000));
    Promise.resolve(client.stdin.flush()).catch(() => {});
    await expectIdle(monitor, client);
    client.kill("SIGKILL");
    await expectIdle(monitor);
    const frame = Buffer.concat([Buffer.from([1, 0, 4, 0, 3, 0, 0, 0, 2, 0, 0, 0x40]), Buffer.alloc(0x4000)]);
    const socket = createConnection({ path: h.socket, allowHalfOpen: true });
    socket.end(frame);
    await expectIdle(monitor);
    socket.destroy();
    await expectIdle(monitor);
  });

  test("with a client that has passed nonsense along as a second connection", async () => {
    const h = host();
    const monitor = await h.monitor([], ["sleep", "9"]);
    const script = `import socket,os,time
s = socket.socket(socket.AF_UNIX)
s.connect(${JSON.stringify(h.socket)})
r, w = os.pipe()
socket.send_fds(s, [bytes([1,0,4,0,0,0,0,0])], [r, w, os.open('/dev/null', os.O_RDWR), 0])
s.close()
os.write(w, b'x' * 100)
time.sleep(5)`;
    const child = Bun.spawn(["python3", "-c", script], { stderr: "ignore" });
    await expectIdle(monitor);
    child.kill("SIGKILL");
    expect(monitor.exitCode).toBeNull();
  });
});
