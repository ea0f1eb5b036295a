/** A real terminal for a program: tmux runs it, types for it and reads the screen. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Terminal {
  /** tmux's names of keys (`Tab`, `C-c`, `Enter`), or text with `literal`. */
  keys(...names: readonly string[]): void;
  type(text: string): void;
  /** What is on the screen, without empty lines at its end. */
  screen(): string;
  /** The same with the colours there are, as escape sequences. */
  painted(): string;
  /** Waits until the screen matches; throws with what it shows. */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<string>;
  close(): void;
}

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env: Readonly<Record<string, string>>;
}

let count = 0;

export function openTerminal(command: readonly string[], options: TerminalOptions): Terminal {
  const directory = mkdtempSync(join(tmpdir(), "kt-tmux-"));
  const socket = `kelp-${process.pid}-${count++}`;
  const env = { ...options.env, TMUX_TMPDIR: directory, TERM: "xterm-256color", SHELL: "/bin/sh" };
  const tmux = (...args: readonly string[]) => {
    const result = spawnSync("tmux", ["-L", socket, "-f", "/dev/null", ...args], { env, encoding: "utf8" });
    if (result.status !== 0) throw new Error(`tmux ${args[0]}: ${result.stderr}`);
    return result.stdout;
  };
  const size = ["-x", String(options.columns ?? 100), "-y", String(options.rows ?? 30)];
  tmux("new-session", "-d", ...size, ...command);
  const screen = () => tmux("capture-pane", "-p").trimEnd();
  return {
    keys: (...names) => void tmux("send-keys", ...names),
    type: (text) => void tmux("send-keys", "-l", text),
    screen,
    painted: () => tmux("capture-pane", "-p", "-e").trimEnd(),
    close: () => {
      spawnSync("tmux", ["-L", socket, "kill-server"], { env });
      rmSync(directory, { recursive: true, force: true });
    },
    async waitFor(pattern, timeoutMs = 20_000) {
      for (const end = Date.now() + timeoutMs; ; await Bun.sleep(50)) {
        const shown = screen();
        if (pattern.test(shown)) return shown;
        if (Date.now() > end) throw new Error(`${pattern} did not appear:\n${shown}`);
      }
    },
  };
}
