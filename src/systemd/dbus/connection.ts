/** One connection to a message bus, or straight to systemd: calls with their answers, and signals. */
import { HostError } from "../../base/index.ts";
import { type DbusValue, decodeMessage, encodeCall, type Message, type MethodCall } from "./message.ts";

/** A bus that does not answer must not hold back a container for ever. */
const PATIENCE_MS = 25_000;

/** What the other side said instead of an answer. */
export class DbusError extends HostError {
  constructor(
    /** `org.freedesktop.…` */
    readonly errorName: string,
    message: string,
  ) {
    super("dbus-refused", message);
  }
}

interface Waiting {
  readonly resolve: (body: readonly DbusValue[]) => void;
  readonly reject: (error: Error) => void;
}

export class DbusConnection {
  readonly #socket: Bun.Socket<undefined>;
  #received = Buffer.alloc(0);
  #unsent: Uint8Array[] = [];
  #serial = 0;
  #accepted = false;
  #failed: HostError | undefined;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Set<(signal: Message) => void>();

  private constructor(socket: Bun.Socket<undefined>) {
    this.#socket = socket;
  }

  /**
   * Connects and says who we are. A side that does not want us refuses the first call.
   *
   * @param path of the socket; a leading NUL means the abstract name space
   * @throws {HostError} `dbus-unreachable`
   */
  static async open(path: string, uid: number): Promise<DbusConnection> {
    try {
      const socket = await Bun.connect({
        unix: path,
        socket: {
          data: (_socket, bytes) => connection.#receive(bytes),
          drain: () => connection.#flush(),
          close: () => connection.#fail("it hung up"),
          error: (_socket, error) => connection.#fail(error.message),
        },
      });
      const connection = new DbusConnection(socket);
      connection.#introduce(uid);
      return connection;
    } catch (cause) {
      throw unreachable(path, cause instanceof Error ? cause.message : String(cause));
    }
  }

  /** @throws {DbusError} with what the other side answered, {HostError} if it does not answer */
  async call(call: MethodCall): Promise<readonly DbusValue[]> {
    if (this.#failed !== undefined) throw this.#failed;
    const serial = ++this.#serial;
    const answer = new Promise<readonly DbusValue[]>((resolve, reject) => {
      this.#waiting.set(serial, { resolve, reject });
    });
    this.#send(encodeCall(serial, call));
    return withPatience(answer, `${call.interface}.${call.member}`);
  }

  /** The first signal from now on that `matches` makes something of. */
  signal<T>(matches: (signal: Message) => T | undefined): { arrives(what: string): Promise<T> } {
    const found = Promise.withResolvers<T>();
    this.#listeners.add((signal) => {
      const value = matches(signal);
      if (value !== undefined) found.resolve(value);
    });
    return { arrives: (what) => withPatience(found.promise, what) };
  }

  close(): void {
    this.#failed ??= new HostError("dbus-closed", "the connection to the session bus is closed");
    this.#socket.end();
  }

  /**
   * EXTERNAL: the kernel tells the other side our uid, we only name it. Calls wait for the answer: one that systemd reads
   * together with this stays unseen in its buffer until something else comes.
   */
  #introduce(uid: number): void {
    const identity = Buffer.from(String(uid)).toString("hex");
    this.#socket.write(`\0AUTH EXTERNAL ${identity}\r\nBEGIN\r\n`);
  }

  #receive(bytes: Uint8Array): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    try {
      if (!this.#accepted && !this.#readGreeting()) return;
      for (let next = decodeMessage(this.#received); next; next = decodeMessage(this.#received)) {
        this.#received = this.#received.subarray(next.size);
        this.#take(next.message);
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  #readGreeting(): boolean {
    const end = this.#received.indexOf("\r\n");
    if (end < 0) return false;
    const line = this.#received.toString("latin1", 0, end);
    this.#received = this.#received.subarray(end + 2);
    if (!line.startsWith("OK ")) throw new Error(`it refuses us: ${line}`);
    this.#accepted = true;
    this.#flush();
    return true;
  }

  #take(message: Message): void {
    if (message.kind === "signal") {
      for (const listener of this.#listeners) listener(message);
      return;
    }
    const waiting = this.#waiting.get(message.replySerial ?? 0);
    if (waiting === undefined) return;
    this.#waiting.delete(message.replySerial ?? 0);
    if (message.kind === "return") waiting.resolve(message.body);
    else {
      const [text] = message.body;
      const name = message.errorName ?? "";
      waiting.reject(new DbusError(name, typeof text === "string" ? text : name));
    }
  }

  #send(bytes: Uint8Array): void {
    this.#unsent.push(bytes);
    this.#flush();
  }

  #flush(): void {
    if (!this.#accepted) return;
    for (let [next] = this.#unsent; next !== undefined; [next] = this.#unsent) {
      const sent = this.#socket.write(next);
      if (sent < next.length) {
        this.#unsent[0] = next.subarray(Math.max(sent, 0));
        return;
      }
      this.#unsent.shift();
    }
  }

  #fail(reason: string): void {
    if (this.#failed !== undefined) return;
    this.#failed = new HostError("dbus-unreachable", `cannot talk to the session bus: ${reason}`);
    for (const { reject } of this.#waiting.values()) reject(this.#failed);
    this.#waiting.clear();
    this.#socket.end();
  }
}

async function withPatience<T>(answer: Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const error = new HostError("dbus-silent", `the session bus does not answer: ${what}`);
  const timer = setTimeout(() => late.reject(error), PATIENCE_MS);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function unreachable(path: string, reason: string): HostError {
  return new HostError("dbus-unreachable", `cannot connect to ${path.replace(/^\0/, "@")}: ${reason}`);
}
