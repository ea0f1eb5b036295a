import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeMessage } from "../../../src/systemd/dbus/message.ts";
import { UserManager } from "../../../src/systemd/index.ts";

const root = mkdtempSync(join(tmpdir(), "kelp-manager-"));
afterAll(() => rmSync(root, { recursive: true }));

/** An error reply to serial 1, as systemd sends it. */
function errorReply(name: string, text: string): Buffer {
  const string = (value: string) => {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(value.length, 0);
    return Buffer.concat([head, Buffer.from(`${value}\0`)]);
  };
  const pad = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 7)]);
  const serial = Buffer.from([5, 1, 0x75, 0, 1, 0, 0, 0]);
  const error = pad(Buffer.concat([Buffer.from([4, 1, 0x73, 0]), string(name)]));
  const signature = Buffer.from([8, 1, 0x67, 0, 1, 0x73, 0]);
  const fields = Buffer.concat([serial, error, signature]);
  const body = string(text);
  const head = Buffer.alloc(16);
  head.set([0x6c, 3, 1, 1]);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(9, 8);
  head.writeUInt32LE(fields.length, 12);
  return Buffer.concat([pad(Buffer.concat([head, fields])), body]);
}

/** A systemd that greets with one line and, after a while, answers the first call with bytes, or hangs up. */
function fakeManager(name: string, greeting: string, answer: Buffer | undefined) {
  const runtime = join(root, name);
  mkdirSync(join(runtime, "systemd"), { recursive: true });
  let heard = Buffer.alloc(0);
  /** What had come when it greeted, and nothing else: a real one sees what follows only when more comes. */
  const early = Promise.withResolvers<string>();
  const server = Bun.listen({
    unix: join(runtime, "systemd", "private"),
    socket: {
      data(peer, bytes) {
        heard = Buffer.concat([heard, bytes]);
        if (heard.length === bytes.length)
          setTimeout(() => {
            early.resolve(heard.toString("latin1"));
            peer.write(`${greeting}\r\n`);
          }, 20);
        const begin = heard.indexOf("BEGIN\r\n");
        if (begin < 0 || decodeMessage(heard.subarray(begin + 7)) === undefined) return;
        if (answer === undefined) peer.end();
        else peer.write(answer);
      },
    },
  });
  return { env: { XDG_RUNTIME_DIR: runtime }, early: early.promise, stop: () => server.stop(true) };
}

const SCOPE = { name: "kelp-1.scope", slice: "user.slice", description: "d", pids: [1] };

test("a scope that systemd refuses is refused in its words", async () => {
  const name = "org.freedesktop.systemd1.UnitExists";
  const fake = fakeManager("refused", "OK 00", errorReply(name, "Unit kelp-1.scope already exists."));
  const manager = await UserManager.open(fake.env);
  const error = await manager.startScope(SCOPE).catch((cause) => cause);
  expect(error).toMatchObject({ errorName: name, message: "Unit kelp-1.scope already exists." });
  manager.close();
  fake.stop();
});

test("nothing is asked before systemd has let us in: it would not look at it", async () => {
  const fake = fakeManager("slow", "OK 00", errorReply("x.y", "no"));
  const manager = await UserManager.open(fake.env);
  await manager.reload().catch(() => undefined);
  expect(await fake.early).toEndWith("BEGIN\r\n");
  manager.close();
  fake.stop();
});

test("a systemd that hangs up, or does not want us, is an error and no endless wait", async () => {
  for (const [greeting, says] of [
    ["OK 00", "it hung up"],
    ["REJECTED EXTERNAL", "it refuses us: REJECTED EXTERNAL"],
  ] as const) {
    const fake = fakeManager(greeting.slice(0, 2), greeting, undefined);
    const manager = await UserManager.open(fake.env);
    const error = await manager.startScope(SCOPE).catch((cause) => cause);
    expect(error).toMatchObject({ code: "dbus-unreachable", message: expect.stringContaining(says) });
    manager.close();
    fake.stop();
  }
});

test("without a systemd the error says so", async () => {
  const error = await UserManager.open({ XDG_RUNTIME_DIR: join(root, "none") }).catch((cause) => cause);
  expect(error).toMatchObject({ code: "no-user-manager" });
});
