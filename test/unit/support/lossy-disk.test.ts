import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LossyDisk } from "../../vm/support/lossy-disk.ts";

const directory = mkdtempSync(join(tmpdir(), "kelp-lossy-"));
const file = join(directory, "disk");
const size = 1 << 20;
writeFileSync(file, Buffer.alloc(size));
const disk = new LossyDisk(file, join(directory, "s"), size);
afterAll(() => {
  disk.close();
  rmSync(directory, { recursive: true });
});

/** As much of a client as the tests need. */
class Client {
  #data = Buffer.alloc(0);
  #wake: () => void = () => undefined;

  private constructor(readonly socket: Socket) {
    socket.on("data", (bytes: Buffer) => {
      this.#data = Buffer.concat([this.#data, bytes]);
      this.#wake();
    });
  }

  static async open(): Promise<Client> {
    const socket = connect(disk.socket);
    await new Promise((resolve) => socket.once("connect", resolve));
    const client = new Client(socket);
    await client.take(18);
    socket.write(Buffer.from([0, 0, 0, 1]));
    // NBD_OPT_GO with no name and no information wanted.
    socket.write(Buffer.concat([Buffer.from("IHAVEOPT"), words(7, 6), Buffer.alloc(6)]));
    const info = await client.take(20 + 12);
    expect(Number(info.readBigUInt64BE(22))).toBe(size);
    await client.take(20);
    return client;
  }

  async take(count: number): Promise<Buffer> {
    while (this.#data.length < count)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    const taken = this.#data.subarray(0, count);
    this.#data = this.#data.subarray(count);
    return taken;
  }

  async request(
    type: number,
    offset: number,
    length: number,
    data = Buffer.alloc(0),
    flags = 0,
  ): Promise<Buffer> {
    const head = Buffer.alloc(28);
    head.writeUInt32BE(0x25609513, 0);
    head.writeUInt16BE(flags, 4);
    head.writeUInt16BE(type, 6);
    head.write("a handle", 8);
    head.writeBigUInt64BE(BigInt(offset), 16);
    head.writeUInt32BE(length, 24);
    this.socket.write(Buffer.concat([head, data]));
    const reply = await this.take(16);
    expect(reply.readUInt32BE(4)).toBe(0);
    return type === 0 ? this.take(length) : reply;
  }
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

const [READ, WRITE, FLUSH, THROUGH] = [0, 1, 3, 1];

test("what is written is read; what was not flushed does not outlive a power cut", async () => {
  const client = await Client.open();
  const block = (letter: string) => Buffer.alloc(1024, letter);
  await client.request(WRITE, 0, 1024, block("a"));
  await client.request(FLUSH, 0, 0);
  await client.request(WRITE, 512, 1024, block("b"));
  await client.request(WRITE, 4096, 1024, block("c"), THROUGH);
  expect((await client.request(READ, 0, 1536)).toString()).toBe(`${"a".repeat(512)}${"b".repeat(1024)}`);
  client.socket.destroy();
  disk.cutPower();
  const kept = readFileSync(file);
  expect(kept.toString("latin1", 0, 1536)).toBe(`${"a".repeat(1024)}${"\0".repeat(512)}`);
  expect(kept.toString("latin1", 4096, 5120)).toBe("c".repeat(1024));
  expect(disk.lost).toBe(2);
});
