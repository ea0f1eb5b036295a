import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MonitorClient, signalAndWait } from "../../../src/runtime/monitor-client.ts";

const READY = [0x81, 0, 8, 0, 42, 0, 0, 0, 0, 0, 0, 0];
const ACK = [0x85, 0, 4, 0, 0, 0, 0, 0];
const EXIT_OOM = [0x84, 0, 12, 0, 137, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0];

const dirs: string[] = [];
let server: Server | undefined;
afterEach(() => {
  server?.close();
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** A monitor that plays a part written for it. */
function pretend(part: (socket: Socket) => void): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "kelp-unit-"));
  dirs.push(dir);
  const path = join(dir, "socket");
  server = createServer(part);
  return new Promise((resolve) => server!.listen(path, () => resolve(path)));
}

describe("MonitorClient", () => {
  test("understands frames however the socket cuts them", async () => {
    const bytes = Buffer.from([...READY, ...ACK, ...EXIT_OOM]);
    const path = await pretend(async (socket) => {
      for (const byte of bytes) {
        socket.write(Buffer.from([byte]));
        await Bun.sleep(0);
      }
    });
    expect(await signalAndWait(path, 15, 2000)).toEqual({ kind: "exited", code: 137, signal: 9, oom: true });
  });

  test("says HELLO for no stream and SIGNAL as the protocol has it", async () => {
    const received: number[] = [];
    const path = await pretend((socket) => {
      socket.on("data", (chunk) => {
        received.push(...chunk);
        if (received.length === 8) socket.write(Buffer.from(READY));
        if (received.length === 16) socket.write(Buffer.from([...ACK, ...EXIT_OOM]));
      });
    });
    await signalAndWait(path, 15);
    expect(received).toEqual([1, 0, 4, 0, 0, 0, 0, 0, 5, 0, 4, 0, 15, 0, 0, 0]);
  });

  test("a monitor that closes without a word counts as gone, at whatever moment", async () => {
    expect(await MonitorClient.connect(await pretend((socket) => socket.destroy()))).toBeUndefined();
    const path = await pretend((socket) => {
      socket.write(Buffer.from(READY));
      socket.once("data", () => setTimeout(() => socket.destroy(), 20));
    });
    expect(await signalAndWait(path, 15)).toEqual({ kind: "gone" });
  });
});
