/** Shows how images move: a line for each blob that changes in place on a terminal, plain lines elsewhere. */
import { ellipsis, humanSize, log } from "../base/index.ts";
import type { BlobMeter, Progress } from "../image/index.ts";
import type { Io } from "./command.ts";

/** @param quiet only what went wrong is shown */
export function showProgress(io: Io, quiet: boolean): Progress & { close(): void } {
  const warn = (text: string) => log.warn(text);
  if (quiet) {
    const meter: BlobMeter = { at() {}, waiting() {}, end() {} };
    return { line() {}, warn, blob: () => meter, close() {} };
  }
  return io.stderrIsTty ? new TerminalProgress(io) : plainProgress(io, warn);
}

function plainProgress(io: Io, warn: (text: string) => void): Progress & { close(): void } {
  const shown = new Set<string>();
  const once = (text: string) => {
    if (shown.has(text)) return;
    shown.add(text);
    io.err(`${text}\n`);
  };
  return {
    line: (text) => io.err(`${text}\n`),
    warn,
    blob: (digest) => ({
      at() {},
      waiting() {},
      end(result) {
        once(`Copying blob ${digest} ${result === "exists" ? "skipped: already exists" : "done"}`);
      },
    }),
    close() {},
  };
}

interface Bar {
  readonly name: string;
  readonly size: number;
  readonly started: number;
  /** Where the first look found it: what was there before is no speed of ours. */
  first: number | undefined;
  now: number;
  state: "running" | "waiting" | "done" | "exists";
}

const REDRAW_MS = 100;
const BAR_WIDTH = 24;

class TerminalProgress implements Progress {
  readonly #io: Io;
  readonly #bars: Bar[] = [];
  #drawn = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(io: Io) {
    this.#io = io;
  }

  line(text: string): void {
    this.#flush();
    this.#io.err(`${text}\n`);
  }

  warn(text: string): void {
    this.#flush();
    log.warn(text);
  }

  blob(digest: string, size: number): BlobMeter {
    const bar: Bar = {
      name: digest.slice(7, 19),
      size,
      started: Date.now(),
      first: undefined,
      now: 0,
      state: "running",
    };
    this.#bars.push(bar);
    this.#timer ??= setInterval(() => this.#draw(), REDRAW_MS);
    this.#timer.unref();
    return {
      at: (bytes) => {
        bar.first ??= bytes;
        bar.now = bytes;
        bar.state = "running";
      },
      waiting: () => {
        bar.state = "waiting";
      },
      end: (result) => {
        bar.state = result;
        bar.now = size;
      },
    };
  }

  /** Draws the last state; the lines stay. */
  close(): void {
    this.#flush();
  }

  #flush(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#bars.length > 0) this.#draw();
    this.#bars.length = 0;
    this.#drawn = 0;
  }

  #draw(): void {
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : "";
    const lines = this.#bars.map(
      (bar) => `\r\x1b[2K${ellipsis(describe(bar, this.#io.columns - 1), this.#io.columns - 1)}\n`,
    );
    this.#drawn = lines.length;
    this.#io.err(up + lines.join(""));
  }
}

/** The gauge takes the room that the numbers leave. */
function describe(bar: Bar, columns: number): string {
  const head = `Copying blob ${bar.name}`;
  if (bar.state === "exists") return `${head} skipped: already exists`;
  if (bar.state === "done") return `${head} done   ${humanSize(bar.size)}`;
  if (bar.state === "waiting") return `${head} waiting for another download of it`;
  const share = bar.size === 0 ? 1 : bar.now / bar.size;
  const numbers = `${humanSize(bar.now)} / ${humanSize(bar.size)}${speed(bar)}`;
  const width = Math.min(BAR_WIDTH, columns - head.length - numbers.length - 4);
  if (width < 4) return `${head} ${numbers}`;
  const filled = Math.round(share * width);
  return `${head} [${"=".repeat(filled)}${" ".repeat(width - filled)}] ${numbers}`;
}

/** ` | 12MB/s | 5s`: rate and the time that is left. */
function speed(bar: Bar): string {
  const elapsed = (Date.now() - bar.started) / 1000;
  const got = bar.now - (bar.first ?? 0);
  if (elapsed < 0.5 || got <= 0) return "";
  const rate = got / elapsed;
  return ` | ${humanSize(rate, { precision: 3 })}/s | ${Math.ceil((bar.size - bar.now) / rate)}s left`;
}
