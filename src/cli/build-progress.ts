/** What a build shows on a terminal: finished steps as lines that stay, running ones beneath them, with their last output. */
import { ellipsis, escapeControl } from "../base/index.ts";
import type { Reporter, StepTitle } from "../build/index.ts";
import type { Io } from "./command.ts";
import { displayWidth } from "./width.ts";

const REDRAW_MS = 100;
/** Of each running step. */
const SHOWN_LINES = 4;
/** Rows that change in place: more than a small terminal has could not be drawn over. */
const MAX_ROWS = 14;
/** Of a step that failed. */
const KEPT_LINES = 40;
/** The clock and the word at the end of a line. */
const TAIL = 9;

interface Running {
  readonly title: StepTitle;
  readonly started: number;
  readonly lines: string[];
  rest: string;
}

export interface TerminalLook {
  readonly color: boolean;
}

export class TerminalReporter implements Reporter {
  readonly #io: Pick<Io, "err" | "columns">;
  readonly #color: boolean;
  readonly #begun = Date.now();
  /** By stage and platform: a stage does one thing at a time. */
  readonly #running = new Map<string, Running>();
  #drawn = 0;
  #paused = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(io: Pick<Io, "err" | "columns">, { color }: TerminalLook) {
    this.#io = io;
    this.#color = color;
  }

  step(title: StepTitle): void {
    this.#finish(keyOf(title), "");
    this.#running.set(keyOf(title), { title, started: Date.now(), lines: [], rest: "" });
    this.#timer ??= setInterval(() => this.#draw(), REDRAW_MS);
    this.#timer.unref();
  }

  output(title: StepTitle, _stream: "out" | "err", chunk: Buffer): void {
    const step = this.#running.get(keyOf(title));
    if (step === undefined) return;
    const lines = (step.rest + chunk.toString("utf8")).split("\n");
    step.rest = (lines.pop() ?? "").slice(-MAX_REST);
    step.lines.push(...lines);
    step.lines.splice(0, step.lines.length - KEPT_LINES);
  }

  done(title: StepTitle, _id: string, cached: boolean): void {
    this.#finish(keyOf(title), cached ? "CACHED" : "");
  }

  /** The last lines of the step stay; why it failed is the error's. */
  failed(title: StepTitle): void {
    const step = this.#running.get(keyOf(title));
    if (step === undefined) return;
    this.#finish(keyOf(title), "ERROR");
    const lines = [...step.lines, ...(step.rest === "" ? [] : [step.rest])].slice(-KEPT_LINES);
    for (const line of lines) this.#keep(` > ${shown(line)}`);
  }

  commit(name: string | undefined): void {
    this.#keep(name === undefined ? "=> commit" : `=> commit ${name}`);
  }

  notice(text: string): void {
    this.#keep(text);
  }

  /** While `work` may itself draw on the terminal. */
  async suspended<T>(work: () => Promise<T>): Promise<T> {
    this.#erase();
    this.#paused++;
    try {
      return await work();
    } finally {
      this.#paused--;
    }
  }

  /** Nothing is drawn any more. */
  close(): void {
    clearInterval(this.#timer);
    for (const key of [...this.#running.keys()]) this.#finish(key, "");
    this.#erase();
  }

  #finish(key: string, word: "" | "CACHED" | "ERROR"): void {
    const step = this.#running.get(key);
    if (step === undefined) return;
    this.#running.delete(key);
    const time = word === "CACHED" ? "" : seconds(Date.now() - step.started);
    this.#keep(this.#row(`=> ${word === "" ? "" : `${word} `}${label(step.title)}`, time), word);
  }

  /** `text` to the left, the clock to the right. */
  #row(text: string, time: string): string {
    const width = Math.max(this.#io.columns - 1 - TAIL, TAIL);
    const left = fitted(text, width);
    return `${left}${" ".repeat(width - displayWidth(left))}${time.padStart(TAIL)}`.trimEnd();
  }

  #keep(line: string, word = ""): void {
    const paint = word === "ERROR" ? "\x1b[31m" : word === "CACHED" ? "\x1b[36m" : "";
    this.#erase();
    this.#io.err(this.#color && paint !== "" ? `${paint}${line}\x1b[0m\n` : `${line}\n`);
  }

  #draw(): void {
    if (this.#paused > 0) return;
    const rows = [...this.#running.values()].flatMap((step) => this.#rows(step));
    const head = this.#row(`[+] building, ${this.#running.size} running`, seconds(Date.now() - this.#begun));
    const all = [head, ...rows.slice(-MAX_ROWS)];
    this.#erase();
    this.#io.err(`${all.join("\n")}\n`);
    this.#drawn = all.length;
  }

  #rows({ title, started, lines, rest }: Running): string[] {
    const output = [...lines, ...(rest === "" ? [] : [rest])].slice(-SHOWN_LINES);
    const width = Math.max(this.#io.columns - 1, TAIL);
    return [
      this.#row(`=> ${label(title)}`, seconds(Date.now() - started)),
      ...output.map((line) => fitted(` > ${shown(line)}`, width)),
    ];
  }

  #erase(): void {
    if (this.#drawn > 0) this.#io.err(`\x1b[${this.#drawn}A\r\x1b[J`);
    this.#drawn = 0;
  }
}

const MAX_REST = 4096;
const MAX_LABEL = 400;

function keyOf({ stage, platform = "" }: StepTitle): string {
  return `${platform} ${stage}`;
}

/** `[2/3 4/7] RUN make`. */
function label({ stage, stages, step, steps, platform, text }: StepTitle): string {
  const place = [platform, stages > 1 ? `${stage}/${stages}` : undefined, `${step}/${steps}`];
  const plain = escapeControl(text.replaceAll(/\s*\n\s*/g, " ").slice(0, MAX_LABEL));
  return `[${place.filter((word) => word !== undefined).join(" ")}] ${plain}`;
}

/** What a terminal would show of a line: what a carriage return has not overwritten, and no control characters. */
function shown(line: string): string {
  const last = line.replace(/\r+$/, "").split("\r").at(-1) ?? "";
  // Colours and cursor movements of the step are left out.
  return escapeControl(last.replace(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, "").replaceAll("\t", "    "));
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)}s`;
}

/** As much as goes into so many columns: a line that wraps could not be drawn over. */
function fitted(text: string, width: number): string {
  let fit = ellipsis(text, width);
  while (displayWidth(fit) > width) fit = ellipsis(fit, [...fit].length - 1);
  return fit;
}
