import { closeSync, constants, openSync } from "node:fs";
import type { Socket } from "node:net";
import { basename, dirname } from "node:path";
import { errnoCode, HostError } from "../base/index.ts";

/** How the container's first process ended, as its monitor saw it. */
export interface MonitorExit {
  readonly kind: "exited";
  /** 0 to 255; 128 + signal if a signal ended it. */
  readonly code: number;
  /** 0: none. */
  readonly signal: number;
  readonly oom: boolean;
}

/** `gone`: no monitor answers (any more); the container's exit file says how it ended, if it did. */
export type WaitResult = MonitorExit | { readonly kind: "timeout" } | { readonly kind: "gone" };

/** A health check: its exit status, and the container's health after it (`healthStatus`). */
export interface CheckResult {
  readonly exitCode: number;
  readonly state: number;
}

/** `no-process`: the first process has ended already. `refused`: the kernel says no (`errno`). */
export type SignalResult =
  | { readonly kind: "sent" }
  | { readonly kind: "no-process" }
  | { readonly kind: "refused"; readonly errno: number }
  | { readonly kind: "gone" };

/** What `start` of a held process came to. `not-held`: it runs, or has ended, already. `failed`: what and why, as a failed plan has it. */
export type StartResult =
  | { readonly kind: "started" }
  | { readonly kind: "not-held" }
  | { readonly kind: "refused"; readonly errno: number }
  | { readonly kind: "failed"; readonly stage: number; readonly index: number; readonly errno: number };

const HELLO = 1;
const SIGNAL = 5;
const REOPEN_LOG = 6;
const CHECK = 7;
const TARGET = 8;
const KEEP = 9;
const AMEND = 10;
const START = 11;
const READY = 0x81;
const EXIT = 0x84;
const ENDED = 0x86;
const CHECKED = 0x87;
const FAILED = 0x88;
const ACK = 0x85;
/** Bit of HELLO: to be told of the end of each of the container's processes, whatever follows it. */
const WANT_ENDS = 8;
/** Bit of AMEND: the health checks begin anew. */
const AMEND_HEALTH = 1;
const HEAD = 4;
const ESRCH = 3;
/** `sun_path` has 108 bytes, the last one a NUL. */
const SOCKET_PATH_MAX = 107;
/** A monitor on its way out refuses too, but its socket is gone within that time. */
const REFUSALS = 20;
const RETRY_MS = 50;

function frame(type: number, ...words: number[]): Buffer {
  const bytes = Buffer.alloc(HEAD + 4 * words.length);
  bytes.writeUInt8(type, 0);
  bytes.writeUInt16LE(4 * words.length, 2);
  for (const [i, word] of words.entries()) bytes.writeUInt32LE(word, HEAD + 4 * i);
  return bytes;
}

/**
 * Connects; a path too long for a socket's address goes by way of its directory's descriptor. `use` is called
 * within the event, so that its listeners miss nothing.
 */
function connectSocket<T>(path: string, use: (socket: Socket) => T): Promise<T> {
  const isLong = Buffer.byteLength(path) > SOCKET_PATH_MAX;
  const dir = isLong ? openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY) : undefined;
  const address = dir === undefined ? path : `/proc/self/fd/${dir}/${basename(path)}`;
  return new Promise<T>((resolve, reject) => {
    const socket = process.getBuiltinModule("node:net").createConnection({ path: address });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(use(socket));
    });
  }).finally(() => {
    if (dir !== undefined) closeSync(dir);
  });
}

type Waiter<T> = (value: T) => void;

/**
 * kelp's own connection to a container's monitor (native/PROTOCOL.md). It asks for no stream, so it
 * neither slows the container nor misses anything of it; it is told of the end like every client.
 */
export class MonitorClient {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #lost = false;
  #exit: MonitorExit | undefined;
  #failure: Extract<StartResult, { kind: "failed" }> | undefined;
  #ready: Waiter<boolean> | undefined;
  #checked: Waiter<CheckResult | undefined> | undefined;
  readonly #acks: Waiter<number | undefined>[] = [];
  readonly #ends = new Set<() => void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => this.#take(chunk));
    socket.on("error", () => this.#lose());
    socket.on("close", () => this.#lose());
  }

  /**
   * Undefined where no monitor listens: the container has ended, or its monitor was killed. A monitor that has
   * as many clients as it takes is asked again for a while.
   *
   * @param everyEnd the end of a process counts as the container's, even if the monitor will start another
   * @throws {HostError} if it goes on refusing
   */
  static async connect(path: string, everyEnd = false): Promise<MonitorClient | undefined> {
    for (let attempt = 0; attempt < REFUSALS; attempt++) {
      const client = await MonitorClient.#connectOnce(path, everyEnd);
      if (client !== "refused") return client;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
    throw new HostError(
      "monitor-refuses",
      `cannot talk to the monitor at ${path}: it closes the connection`,
      {
        hint: "It answers the user who started the container, and 64 connections at a time: end some attached clients.",
      },
    );
  }

  static async #connectOnce(path: string, everyEnd: boolean): Promise<MonitorClient | "refused" | undefined> {
    try {
      const client = await connectSocket(path, (socket) => new MonitorClient(socket));
      const ready = new Promise<boolean>((resolve) => {
        client.#ready = resolve;
        if (client.#lost) resolve(false);
      });
      client.#socket.write(frame(HELLO, everyEnd ? WANT_ENDS : 0));
      return (await ready) ? client : "refused";
    } catch (error) {
      const code = errnoCode(error);
      if (code === "ENOENT" || code === "ECONNREFUSED") return undefined;
      if (code === "ECONNRESET" || code === "EPIPE") return "refused";
      throw new HostError("monitor-unreachable", `cannot connect to ${path}: ${code ?? String(error)}`, {
        cause: error,
      });
    }
  }

  /** Sends a signal to the container's first process and reports what the kernel said. */
  async signal(signal: number): Promise<SignalResult> {
    const errno = await this.#acknowledged(frame(SIGNAL, signal));
    if (errno === undefined) return { kind: "gone" };
    if (errno === ESRCH) return { kind: "no-process" };
    return errno === 0 ? { kind: "sent" } : { kind: "refused", errno };
  }

  /** Lets the process go that is held. */
  async start(): Promise<StartResult> {
    const errno = await this.#acknowledged(frame(START));
    if (errno === 0) return { kind: "started" };
    if (this.#failure !== undefined) return this.#failure;
    return errno === undefined || errno === ESRCH ? { kind: "not-held" } : { kind: "refused", errno };
  }

  /** As long as this client stays connected, the container's end takes nothing along (--rm). False: it has ended. */
  async keep(): Promise<boolean> {
    return (await this.#acknowledged(frame(KEEP))) === 0;
  }

  /** Has the monitor go by the plan that was written for it: its errno, or undefined if it went away. */
  amend(health: boolean): Promise<number | undefined> {
    return this.#acknowledged(frame(AMEND, health ? AMEND_HEALTH : 0));
  }

  #acknowledged(request: Buffer): Promise<number | undefined> {
    if (this.#lost) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#acks.push(resolve);
      this.#socket.write(request);
    });
  }

  /** Waits for the end of the container; without a timeout as long as that takes. */
  waitForExit(timeoutMs?: number): Promise<WaitResult> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const settle = (): void => {
        clearTimeout(timer);
        this.#ends.delete(settle);
        resolve(this.#exit ?? (this.#lost ? { kind: "gone" } : { kind: "timeout" }));
      };
      if (this.#exit !== undefined || this.#lost) {
        settle();
        return;
      }
      this.#ends.add(settle);
      if (timeoutMs !== undefined) timer = setTimeout(settle, timeoutMs);
    });
  }

  /** Has the monitor run a health check; undefined if it went away meanwhile. */
  check(): Promise<CheckResult | undefined> {
    if (this.#lost) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#checked = resolve;
      this.#socket.write(frame(CHECK));
    });
  }

  /** Published ports lead to that IPv4 address from now on. */
  retarget(address: Uint8Array, prefix: number): Promise<void> {
    const word = new DataView(address.buffer, address.byteOffset).getUint32(0, true);
    return new Promise((resolve) => {
      this.#socket.write(frame(TARGET, word, prefix), () => resolve());
    });
  }

  /** Has the monitor open the log's path again, after something outside has renamed the file. */
  reopenLog(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.write(frame(REOPEN_LOG), () => resolve());
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= HEAD) {
      const end = HEAD + this.#received.readUInt16LE(2);
      if (this.#received.length < end) return;
      this.#takeFrame(this.#received.readUInt8(0), this.#received.subarray(HEAD, end));
      this.#received = this.#received.subarray(end);
    }
  }

  #takeFrame(type: number, body: Buffer): void {
    if (type === READY) {
      this.#ready?.(true);
    } else if (type === ACK) {
      this.#acks.shift()?.(body.readUInt32LE(0));
    } else if (type === CHECKED) {
      this.#checked?.({ exitCode: body.readUInt32LE(0), state: body.readUInt32LE(4) });
    } else if (type === EXIT || type === ENDED) {
      const [code, signal, oom] = [body.readUInt32LE(0), body.readUInt32LE(4), body.readUInt32LE(8)];
      this.#exit = { kind: "exited", code, signal, oom: oom !== 0 };
      for (const settle of [...this.#ends]) settle();
    } else if (type === FAILED) {
      const [stage, index, errno] = [body.readUInt32LE(0), body.readUInt32LE(4), body.readUInt32LE(8)];
      this.#failure = { kind: "failed", stage, index, errno };
      this.#lose();
    }
  }

  #lose(): void {
    this.#lost = true;
    this.#ready?.(false);
    this.#checked?.(undefined);
    for (const resolve of this.#acks.splice(0)) resolve(undefined);
    for (const settle of [...this.#ends]) settle();
  }
}

async function withMonitor<T>(
  path: string,
  use: (client: MonitorClient) => Promise<T>,
  everyEnd = false,
): Promise<T | { readonly kind: "gone" }> {
  const client = await MonitorClient.connect(path, everyEnd);
  if (client === undefined) return { kind: "gone" };
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

/** Sends one signal to the first process of the container whose attach socket is at `path`. */
export function sendSignal(path: string, signal: number): Promise<SignalResult> {
  return withMonitor(path, (client) => client.signal(signal));
}

/** Lets the process go that the monitor holds. */
export async function startHeld(path: string): Promise<StartResult> {
  const result = await withMonitor(path, (client) => client.start());
  return result.kind === "gone" ? { kind: "not-held" } : result;
}

/** Waits for the container's end; when it resolves with `exited`, the exit file is there and its mounts are gone. */
export function waitForExit(path: string, timeoutMs?: number): Promise<WaitResult> {
  return withMonitor(path, (client) => client.waitForExit(timeoutMs));
}

/** The same for the end of the process that runs now, even if the monitor will start another. */
export function waitForProcess(path: string): Promise<WaitResult> {
  return withMonitor(path, (client) => client.waitForExit(), true);
}

/**
 * Sends a signal and waits for the container's end: what `stop` does once with its signal and once
 * with SIGKILL. A process that has ended already counts as signalled.
 */
export function signalAndWait(
  path: string,
  signal: number,
  timeoutMs?: number,
): Promise<WaitResult | SignalResult> {
  return withMonitor(path, async (client) => {
    const sent = await client.signal(signal);
    return sent.kind === "refused" ? sent : client.waitForExit(timeoutMs);
  });
}

/** Has the monitor run a health check now; undefined where the container is ending or has ended. */
export async function checkHealth(path: string): Promise<CheckResult | undefined> {
  const result = await withMonitor(path, async (client) => ({ checked: await client.check() }));
  return "checked" in result ? result.checked : undefined;
}

/** Has a container's monitor go by the plan that was written for it: its errno, or undefined if none answers. */
export async function amendMonitor(path: string, health: boolean): Promise<number | undefined> {
  const result = await withMonitor(path, async (client) => ({ errno: await client.amend(health) }));
  return "errno" in result ? result.errno : undefined;
}

/** Tells a monitor where its published ports lead; false if there is none. */
export async function retargetPorts(path: string, address: Uint8Array, prefix: number): Promise<boolean> {
  const done = await withMonitor(path, async (client) => {
    await client.retarget(address, prefix);
    return { kind: "done" as const };
  });
  return done.kind === "done";
}

/** Has the container's monitor open its log anew; false where no monitor answers. */
export async function reopenLog(path: string): Promise<boolean> {
  const done = await withMonitor(path, async (client) => {
    await client.reopenLog();
    return { kind: "done" as const };
  });
  return done.kind === "done";
}
