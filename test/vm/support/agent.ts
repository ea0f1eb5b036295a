/** The host's end of guest/agent.sh: sends scripts into the guest and waits for what became of them. */
import type { Socket } from "node:net";

export interface ScriptResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** root; a login session of a user; a service of the user's systemd. */
export type Who = "root" | `login:${string}` | `unit:${string}`;

export class Agent {
  readonly #socket: Socket;
  #partial = "";
  #nextId = 1;
  readonly #waiting = new Map<string, PromiseWithResolvers<ScriptResult>>();
  /** How often the guest has said that it has booted. */
  boots = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8").on("data", (text: string) => this.#receive(text));
  }

  /** Runs a script; fails when the machine ends before it does, or after `limitMs`. */
  async run(who: Who, text: string, limitMs: number): Promise<ScriptResult> {
    const id = String(this.#nextId++);
    const answer = Promise.withResolvers<ScriptResult>();
    this.#waiting.set(id, answer);
    this.#socket.write(`${id} ${who} ${Buffer.from(text).toString("base64")}\n`);
    const late = () => answer.reject(new Error(`no answer in ${limitMs / 1000} s to: ${text}`));
    const timer = setTimeout(late, limitMs);
    try {
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** Nobody will answer any more. */
  forget(reason: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(reason));
    this.#waiting.clear();
  }

  close(reason: string): void {
    this.#socket.destroy();
    this.forget(reason);
  }

  #receive(text: string): void {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    for (const line of lines) {
      const [id = "", status, stdout = "-", stderr = "-"] = line.split(" ");
      if (id === "ready") this.boots++;
      else
        this.#waiting
          .get(id)
          ?.resolve({ code: Number(status), stdout: decoded(stdout), stderr: decoded(stderr) });
    }
  }
}

function decoded(word: string): string {
  return word === "-" ? "" : Buffer.from(word, "base64").toString();
}
