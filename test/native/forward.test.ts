/** The forwarder of published ports alone, under the sanitizers, against clients and servers that behave badly. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createSocket } from "node:dgram";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { type Subprocess, spawn, spawnSync } from "bun";

setDefaultTimeout(120_000);
const NATIVE = join(import.meta.dir, "../../native");
const SANITIZED = join(NATIVE, "build/forward-host-asan");
const PLAIN = join(NATIVE, "build/forward-host");
const FIRST_BYTE: Record<string, (socket: Socket) => void> = {
  r: (socket) => socket.resetAndDestroy(),
  e: (socket) => socket.end("bye"),
};

/** Echoes; a first byte of `r` resets, `e` ends. */
const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on("error", () => {});
  socket.once("data", (data: Buffer) => {
    const act = FIRST_BYTE[data.toString("latin1", 0, 1)];
    if (act !== undefined) return act(socket);
    socket.write(data);
    socket.pipe(socket);
  });
  socket.on("end", () => socket.end());
});
let target = 0;
let port = 0;
let host: Subprocess<"ignore", "pipe", "inherit"> | undefined;

beforeAll(async () => {
  const made = spawnSync(["make", "-s", "-C", NATIVE, "build/forward-host", "build/forward-host-asan"], {
    stderr: "pipe",
  });
  expect(made.stderr.toString()).toBe("");
  await new Promise<void>((resolve) => server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, resolve));
  target = (server.address() as { port: number }).port;
});
afterAll(() => server.close());
afterEach(() => host?.kill());

/** @param files its limit of descriptors */
async function start(program = SANITIZED, files?: number): Promise<void> {
  const free = createServer();
  await new Promise<void>((resolve) => free.listen(0, "127.0.0.1", resolve));
  port = (free.address() as { port: number }).port;
  await new Promise((resolve) => free.close(resolve));
  const limit = files === undefined ? "" : `ulimit -n ${files};`;
  const env = { ASAN_OPTIONS: "detect_leaks=0" };
  host = spawn(["sh", "-c", `${limit} exec ${program} ${port} ${target}`], { stdout: "pipe", env });
  const { value } = await host.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("ready\n");
}

const links = () =>
  readdirSync(`/proc/${host!.pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${host!.pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
const open = (kind: string) => links().filter((link) => link.startsWith(kind)).length;
/** Milliseconds of processor time. */
const worked = () => {
  const fields = readFileSync(`/proc/${host!.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
};
const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${host!.pid}/status`, "utf8"))![1]);

async function until(holds: () => boolean): Promise<void> {
  for (let n = 0; n < 600 && !holds(); n++) await Bun.sleep(50);
  expect(holds()).toBe(true);
}

function open1(): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** What comes back until the end; "reset" where it ends badly. */
async function talk(text: string): Promise<string> {
  const socket = await open1();
  return new Promise((resolve) => {
    let got = "";
    socket.on("data", (chunk: Buffer) => {
      got += chunk.toString("latin1");
    });
    socket.on("end", () => resolve(got));
    socket.on("error", () => resolve("reset"));
    socket.end(text);
  });
}

test("every byte arrives, in both directions, with many connections at once", async () => {
  await start();
  const texts = Array.from({ length: 20 }, (_, n) => String.fromCharCode(65 + n).repeat(200_000 + n * 7919));
  const answers = await Promise.all(texts.map(talk));
  expect(answers.map((answer, n) => answer === texts[n])).toEqual(texts.map(() => true));
});

test("a server that resets or ends is passed on as that", async () => {
  await start();
  expect(await talk("r")).toBe("reset");
  expect(await talk("e")).toBe("bye");
});

test("whatever clients and servers do to their connections, no descriptor stays behind", async () => {
  await start();
  await talk("warm");
  const before = open("socket:");
  let seed = 20261121;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  const acts: ((socket: Socket) => void)[] = [
    (socket) => socket.resetAndDestroy(),
    (socket) => socket.end(),
    (socket) => socket.destroy(),
    (socket) => socket.write("r"),
    (socket) => socket.write("e"),
    (socket) => socket.end("x".repeat(random(300_000))),
    (socket) => {
      socket.pause();
      socket.write("y".repeat(random(1_000_000)));
    },
    () => {},
  ];
  for (let round = 0; round < 15; round++) {
    const sockets = await Promise.all(Array.from({ length: 40 }, open1));
    for (const socket of sockets) {
      socket.on("error", () => {});
      acts[random(acts.length)]!(socket);
    }
    await Bun.sleep(random(20));
    for (const socket of sockets) socket.destroy();
  }
  await until(() => open("socket:") <= before);
  expect(open("pipe:")).toBeLessThanOrEqual(4); // one is kept; its output is one end of another
  expect(await talk("still here")).toBe("still here");
  expect(host!.exitCode).toBe(null);
});

test("slow readers keep few pipes and no memory, and nobody else waits for them", async () => {
  await start(PLAIN);
  await talk("warm");
  const before = memory();
  // More than all the buffers on the way take.
  const sockets = await Promise.all(Array.from({ length: 24 }, open1));
  const text = Buffer.alloc(16_000_000, "s");
  for (const socket of sockets) {
    socket.on("error", () => {});
    socket.pause();
    socket.write(text);
  }
  await until(() => open("pipe:") >= 30);
  for (let n = 0; n < 5; n++) expect(await talk("others")).toBe("others");
  expect(open("pipe:")).toBeLessThanOrEqual(2 * 16 + 2);
  expect(memory() - before).toBeLessThan(1000);
  // What they were sent is all there when they read at last, be it by a pipe or by copying.
  const got = sockets.map(() => 0);
  for (const [n, socket] of sockets.entries()) {
    socket.on("data", (chunk: Buffer) => {
      got[n]! += chunk.length;
    });
    socket.resume();
  }
  await until(() => got.every((size) => size === text.length));
  for (const socket of sockets) socket.destroy();
  await until(() => open("pipe:") <= 4);
});

test("without descriptors clients wait in the queue, at no cost, and come in later", async () => {
  await start(SANITIZED, 320);
  const sockets = await Promise.all(Array.from({ length: 300 }, open1));
  const answered = new Set<Socket>();
  for (const socket of sockets) {
    socket.on("data", () => answered.add(socket));
    socket.on("error", () => {});
    socket.write("hello");
  }
  await until(() => answered.size >= 100);
  await Bun.sleep(300);
  const [served, before] = [answered.size, worked()];
  expect(served).toBeLessThan(200);
  await Bun.sleep(1500);
  expect(worked() - before).toBeLessThan(300); // a loop that never sleeps would have had all of it
  while (answered.size < sockets.length) {
    const known = answered.size;
    for (const socket of answered) socket.destroy();
    await until(() => answered.size > known);
  }
  expect(answered.size).toBe(300);
});

test("thousands of connections at once are served, and gone without a trace", async () => {
  const hard = Number(spawnSync(["sh", "-c", "ulimit -Hn"]).stdout.toString()) || 1 << 20;
  const count = Math.min(10_000, Math.floor(hard / 2) - 600);
  await start(PLAIN);
  await talk("warm");
  const before = open("socket:");
  const sockets: Socket[] = [];
  let answers = 0;
  while (sockets.length < count) {
    const more = await Promise.all(Array.from({ length: Math.min(500, count - sockets.length) }, open1));
    for (const socket of more) {
      socket.on("error", () => {});
      socket.once("data", () => answers++);
      socket.write("hi");
    }
    sockets.push(...more);
  }
  await until(() => answers === count);
  expect(open("socket:")).toBeGreaterThan(2 * count);
  for (const socket of sockets) socket.resetAndDestroy();
  await until(() => open("socket:") <= before);
  expect(await talk("after")).toBe("after");
});

test("datagrams arrive as they were sent, of every size and in order, each client's at that client", async () => {
  const echo = createSocket("udp4");
  await new Promise<void>((resolve) => echo.bind(target, "127.0.0.1", resolve));
  echo.on("message", (data, { port: to, address }) => echo.send(data, to, address));
  await start(SANITIZED);
  // No more at once than a socket has room for.
  const groups = [
    [...Array(20).fill(1400), 700, ...Array(3).fill(1400), 1, 2, 2, 2, 1, 1400, 1400],
    [0, 0, 5, 0, ...Array(15).fill(9), 0, 9],
    [9000, 9000, 8999, 9001],
    [65507],
    [30_000, 30_000],
  ];
  const clients = await Promise.all(
    [0, 1].map(async (number) => {
      const socket = createSocket("udp4");
      await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
      const got: string[] = [];
      socket.on("message", (data) => got.push(`${data.length} ${data.toString("latin1", 0, 5)}`));
      return { socket, got, word: (n: number) => `${number}${String(n).padStart(4, "0")}` };
    }),
  );
  let sent = 0;
  for (const sizes of groups) {
    const wanted = clients.map(({ word }) => sizes.map((size, n) => `${size} ${word(n).slice(0, size)}`));
    for (const { got } of clients) got.length = 0;
    // Those of the two alternate in threes.
    for (let n = 0; n < sizes.length; n += 3)
      for (const { socket, word } of clients)
        for (let i = n; i < Math.min(n + 3, sizes.length); i++, sent++)
          socket.send(Buffer.from(word(i).padEnd(sizes[i], "x").slice(0, sizes[i])), port, "127.0.0.1");
    await until(() => clients.every(({ got }) => got.length >= sizes.length));
    expect(clients.map(({ got }) => got)).toEqual(wanted);
  }
  expect(sent).toBeGreaterThan(100);
  for (const { socket } of clients) socket.close();
  echo.close();
  expect(host!.exitCode).toBe(null);
});

test("a flood of datagrams costs a bounded number of descriptors, and others are still answered", async () => {
  const echo = createSocket("udp4");
  await new Promise<void>((resolve) => echo.bind(target, "127.0.0.1", resolve));
  echo.on("message", (data, { port: to, address }) => echo.send(data, to, address));
  // A client that was given up meanwhile refuses its answer, and the kernel says so on this socket.
  echo.on("error", () => {});
  await start(SANITIZED);
  const clients = Array.from({ length: 1500 }, () => createSocket("udp4").on("error", () => {}));
  for (let round = 0; round < 3; round++) {
    for (const client of clients) client.send("flood", port, "127.0.0.1");
    await Bun.sleep(20);
  }
  await until(() => open("socket:") > 300);
  expect(open("socket:")).toBeLessThan(1024 + 10);
  const one = createSocket("udp4").on("error", () => {});
  const answer = new Promise<string>((resolve) => one.once("message", (data) => resolve(data.toString())));
  const timer = setInterval(() => one.send("hello", port, "127.0.0.1"), 50);
  expect(await Promise.race([answer, Bun.sleep(20_000).then(() => "nothing")])).toBe("hello");
  clearInterval(timer);
  for (const socket of [...clients, one, echo]) socket.close();
  expect(host!.exitCode).toBe(null);
});
