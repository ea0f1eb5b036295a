/** QEMU's own control socket: one command after the other. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

type Answer = Readonly<Record<string, unknown>>;

export class Qmp {
  readonly #socket: Socket;
  #partial = "";
  #answered: PromiseWithResolvers<Answer> | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8").on("data", (text: string) => this.#receive(text));
    socket.on("close", () => this.#answered?.reject(new Error("QEMU has hung up")));
  }

  static async open(socket: Socket): Promise<Qmp> {
    const qmp = new Qmp(socket);
    await qmp.execute("qmp_capabilities");
    return qmp;
  }

  async execute(command: string, values: Answer = {}): Promise<Answer> {
    this.#answered = Promise.withResolvers();
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: values })}\n`);
    return this.#answered.promise;
  }

  /** Writes the stopped machine's memory and devices to a file. */
  async save(file: string): Promise<void> {
    await this.execute("stop");
    await this.execute("migrate-set-parameters", { "max-bandwidth": 2 ** 40 });
    await this.execute("migrate", { uri: `exec:cat >'${file}'` });
    for (;;) {
      const { status, "error-desc": reason } = await this.execute("query-migrate");
      if (status === "completed") return;
      if (status === "failed") throw new Error(`QEMU cannot save the machine: ${reason}`);
      await sleep(100);
    }
  }

  /** Lets the machine go on, once it has been read back. */
  async go(): Promise<void> {
    while ((await this.execute("query-status")).status === "inmigrate") await sleep(50);
    await this.execute("cont");
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(text: string): void {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    for (const line of lines) {
      const { return: result, error } = JSON.parse(line) as { return?: Answer; error?: { desc: string } };
      if (error !== undefined) this.#answered?.reject(new Error(`QEMU: ${error.desc}`));
      else if (result !== undefined) this.#answered?.resolve(result);
    }
  }
}

/** Connects to a unix socket that somebody is about to make; gives up once `gone` says why it will not come. */
export async function connectTo(path: string, gone: () => string | undefined): Promise<Socket> {
  for (;;) {
    const socket = connect(path);
    const ready = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    if (ready) return socket.on("error", () => undefined);
    const reason = gone();
    if (reason !== undefined) throw new Error(reason);
    await sleep(50);
  }
}
