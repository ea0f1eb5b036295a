/** What a build prints in plain mode: podman's lines, each of a step's output whole. */
import { ellipsis } from "../base/index.ts";
import type { Reporter, StepTitle } from "../build/index.ts";
import type { Io } from "./command.ts";

const MAX_TITLE = 400;
const SHORT_ID = 12;

export class PlainReporter implements Reporter {
  readonly #out: (text: string) => void;
  readonly #err: (text: string) => void;
  /** Of each stage and stream: what came after its last line's end. */
  readonly #rests = new Map<string, string>();

  constructor(io: Pick<Io, "out" | "err">) {
    this.#out = (text) => io.out(text);
    this.#err = (text) => io.err(text);
  }

  step(title: StepTitle): void {
    const text = ellipsis(title.text.replaceAll(/\s*\n\s*/g, " "), MAX_TITLE);
    this.#out(`${prefix(title)}STEP ${title.step}/${title.steps}: ${text}\n`);
  }

  output(title: StepTitle, stream: "out" | "err", chunk: Buffer): void {
    const write = stream === "out" ? this.#out : this.#err;
    // One stage alone writes as it comes, so that a progress bar moves.
    if (title.stages === 1 && title.platform === undefined) {
      write(chunk.toString("utf8"));
      return;
    }
    const key = keyOf(title, stream);
    const lines = ((this.#rests.get(key) ?? "") + chunk.toString("utf8")).split("\n");
    this.#rests.set(key, lines.pop() ?? "");
    for (const line of lines) write(`${prefix(title)}${line}\n`);
  }

  done(title: StepTitle, id: string, cached: boolean): void {
    this.failed(title);
    if (cached) this.#out(`${prefix(title)}--> Using cache ${id}\n`);
    if (!title.isLast) this.#out(`${prefix(title)}--> ${id.slice(0, SHORT_ID)}\n`);
  }

  /** What it printed without an end of line. */
  failed(title: StepTitle): void {
    for (const stream of ["out", "err"] as const) {
      const key = keyOf(title, stream);
      const rest = this.#rests.get(key) ?? "";
      this.#rests.delete(key);
      if (rest !== "") (stream === "out" ? this.#out : this.#err)(`${prefix(title)}${rest}\n`);
    }
  }

  commit(name: string | undefined): void {
    this.#out(name === undefined ? "COMMIT\n" : `COMMIT ${name}\n`);
  }

  notice(text: string): void {
    this.#err(`${text}\n`);
  }
}

/** For --quiet: nothing but what a failing step says. */
export class QuietReporter implements Reporter {
  readonly #err: (text: string) => void;

  constructor(io: Pick<Io, "err">) {
    this.#err = (text) => io.err(text);
  }

  step(): void {}
  done(): void {}
  failed(): void {}
  commit(): void {}
  notice(): void {}

  output(_title: StepTitle, stream: "out" | "err", chunk: Buffer): void {
    if (stream === "err") this.#err(chunk.toString("utf8"));
  }
}

function keyOf({ platform = "", stage }: StepTitle, stream: "out" | "err"): string {
  return `${platform} ${stage} ${stream}`;
}

function prefix({ stage, stages, platform }: StepTitle): string {
  const own = platform === undefined ? "" : `[${platform}] `;
  return stages > 1 ? `${own}[${stage}/${stages}] ` : own;
}
