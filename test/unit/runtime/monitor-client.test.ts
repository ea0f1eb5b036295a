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

/** Answers HELLO and the first SIGNAL, and sends EXIT. */
function answer(socket: Socket, send = (bytes: number[]): unknown => socket.write(Buffer.from(bytes))): void {
  let received = 0;
  socket.on("data", (chunk) => {
    received += chunk.length;
    if (received === 8) send(READY);
    if (received === 16) send([...ACK, ...EXIT_OOM]);
  });
}

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
    const path = await pretend((socket) =>
      answer(socket, async (bytes) => {
        for (const byte of bytes) {
          socket.write(Buffer.from([byte]));
          await Bun.sleep(1);
        }
      }),
    );
    expect(await signalAndWait(path, 15, 2000)).toEqual({ kind: "exited", code: 137, signal: 9, oom: true });
  });

  test("says HELLO for no stream and SIGNAL as the protocol has it", async () => {
    const received: number[] = [];
    const path = await pretend((socket) => {
      socket.on("data", (chunk) => received.push(...chunk));
      answer(socket);
    });
    await signalAndWait(path, 15);
    expect(received).toEqual([1, 0, 4, 0, 0, 0, 0, 0, 5, 0, 4, 0, 15, 0, 0, 0]);
  });

  test("a monitor that is killed while it is being talked to is gone", async () => {
    const path = await pretend((socket) => {
      socket.write(Buffer.from(READY));
      socket.once("data", () => setTimeout(() => socket.destroy(), 20));
    });
    expect(await signalAndWait(path, 15)).toEqual({ kind: "gone" });
  });

  test("a monitor that refuses is asked again, and is not taken for gone", async () => {
    let asked = 0;
    const path = await pretend((socket) => {
      if (asked++ < 2) socket.destroy();
      else answer(socket);
    });
    expect(await signalAndWait(path, 15)).toMatchObject({ kind: "exited" });
    const never = await pretend((socket) => socket.destroy());
    const refused = await MonitorClient.connect(never).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "monitor-refuses" });
  });
});
