/** Runs native/test/monitor_host.c: a monitor and its client around an ordinary process, no container needed. */

import { afterEach, beforeAll } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Subprocess, spawn, spawnSync } from "bun";
import { killMarked } from "../support/leaks.ts";

const NATIVE = join(import.meta.dir, "../../native");
/** With the sanitizers, unless memory is what is being measured. */
export const HOST = join(NATIVE, "build/monitor-host-asan");
export const HOST_PLAIN = join(NATIVE, "build/monitor-host");
export const UNIT = join(NATIVE, "build/test-serving");

/** Its stdin stays open until it is ended. */
export type Piped = Subprocess<"pipe", "pipe", "pipe">;

export interface Host {
  readonly dir: string;
  readonly socket: string;
  readonly log: string;
  /** Runs the command in the foreground, as `kelp run` would, to its end. */
  run(
    verb: "run" | "exec",
    options: readonly string[],
    command: readonly string[],
    input?: string,
  ): HostResult;
  /** The same without waiting. */
  start(argv: readonly string[]): Piped;
  /** A detached monitor; resolves when the process runs. */
  monitor(options: readonly string[], command: readonly string[], binary?: string): Promise<Subprocess>;
  read(name: string): string;
}

export interface HostResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A fresh directory per test; whatever the test started is killed and removed after it. */
export function useMonitorHost(): () => Host {
  const dirs: string[] = [];
  const started: Subprocess[] = [];
  beforeAll(() => {
    const made = spawnSync(["make", "-s", "-C", NATIVE, "tests"]);
    if (!made.success) throw new Error(`make tests: ${made.stderr}`);
  }, 120_000);
  afterEach(async () => {
    for (const process of started.splice(0)) process.kill(9);
    for (const dir of dirs.splice(0)) {
      killMarked(MARK, dir); // what a killed monitor left behind
      rmSync(dir, { recursive: true, force: true });
    }
  });
  return () => {
    const dir = mkdtempSync(join(tmpdir(), "kelp-monitor-"));
    dirs.push(dir);
    return makeHost(dir, started);
  };
}

/** Every process of a test has its directory in the environment, under this name. */
const MARK = "KELP_TEST_DIRECTORY";

function makeHost(dir: string, started: Subprocess[]): Host {
  process.env[MARK] = dir; // Bun hands on its own environment as it was at start: name it at every spawn
  const start: Host["start"] = (argv) => {
    const child = spawn([...argv], { stdin: "pipe", stdout: "pipe", stderr: "pipe", env: process.env });
    started.push(child);
    return child;
  };
  return {
    dir,
    socket: join(dir, "socket"),
    log: join(dir, "log"),
    run(verb, options, command, input) {
      const done = spawnSync([HOST, verb, dir, ...options, "--", ...command], {
        env: process.env,
        stdin: Buffer.from(input ?? ""),
        timeout: 20_000,
      });
      return { code: done.exitCode, stdout: done.stdout.toString(), stderr: done.stderr.toString() };
    },
    start,
    async monitor(options, command, binary = HOST) {
      const process = start([binary, "monitor", dir, ...options, "--", ...command]);
      const first = await process.stdout.getReader().read();
      if (first.value === undefined) throw new Error(await new Response(process.stderr).text());
      return process;
    },
    read: (name) => (existsSync(join(dir, name)) ? readFileSync(join(dir, name), "utf8") : ""),
  };
}

/** Waits until something is true; tests name what they waited for when it never is. */
export async function until(what: string, holds: () => boolean, limitMs = 5_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await Bun.sleep(5);
  }
}

/** Log lines without their time. */
export function logLines(text: string): string[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => line.slice(line.indexOf(" ") + 1));
}
