/**
 * A kelp of its own for one test file: fresh home, data, configuration and runtime directory, the
 * compiled executable, a clean environment. Everything is removed after the file's last test, and
 * what is left behind then (processes, mounts, files) fails the file.
 */
import { afterAll } from "bun:test";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DRIVER, KEEP, KELP, runtimeParent } from "./environment.ts";
import { leaksOf } from "./leaks.ts";

export interface KelpOptions {
  /** Standard input; empty if not given. */
  stdin?: string | Uint8Array;
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Milliseconds until SIGKILL; 30,000 unless told. */
  timeout?: number;
}

export interface KelpResult {
  /** Exit status; 128 + n if signal n ended kelp itself. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface Sandbox {
  readonly directory: string;
  readonly runtime: string;
  /** The whole environment kelp gets. */
  readonly env: Readonly<Record<string, string>>;
  /** Carried out after the last test, before the look at what is left. */
  readonly ends: (() => unknown)[];
  /** Runs kelp to its end. */
  kelp(args: readonly string[], options?: KelpOptions): Promise<KelpResult>;
  /** Runs kelp and gives its standard output without the last newline; throws if it failed. */
  ok(args: readonly string[], options?: KelpOptions): Promise<string>;
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/** Runs a program to its end with a bound on the time; the streams arrive whole. */
export function run(
  command: string,
  args: readonly string[],
  options: KelpOptions = {},
): Promise<KelpResult> {
  const { promise, resolve, reject } = Promise.withResolvers<KelpResult>();
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ["pipe", "pipe", "pipe"],
    timeout: options.timeout ?? 30_000,
    killSignal: "SIGKILL",
  });
  const output: Record<"stdout" | "stderr", Buffer[]> = { stdout: [], stderr: [] };
  child.stdout.on("data", (chunk: Buffer) => output.stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => output.stderr.push(chunk));
  child.stdin.on("error", () => {}); // a program need not read what it is given
  child.stdin.end(options.stdin ?? "");
  child.on("error", reject);
  child.on("close", (code, signal) => {
    const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString();
    resolve({
      code: code ?? 128 + (SIGNAL_NUMBERS[signal ?? ""] ?? 0),
      stdout: text(output.stdout),
      stderr: text(output.stderr),
    });
  });
  return promise;
}

function makeDirectories(name: string): { directory: string; runtime: string } {
  const directory = mkdtempSync(join(tmpdir(), `kelp-${name}-`));
  for (const part of ["home", "data", "config", "cache", "tmp"]) mkdirSync(join(directory, part));
  return { directory, runtime: mkdtempSync(join(runtimeParent(), "kt-")) };
}

/** Monitors and the uplink's keeper end by themselves, but not in the same moment as their container. */
async function lastingLeaks({ directory, runtime }: Sandbox): Promise<string[]> {
  for (let attempt = 0; ; attempt++) {
    const leaks = leaksOf([directory, runtime]);
    if (leaks.length === 0 || attempt === 20) return leaks;
    await Bun.sleep(100);
  }
}

/** Ends what runs and deletes the files, some of which belong to subordinate ids. */
async function tearDown(box: Sandbox): Promise<void> {
  await box.kelp(["rm", "--all", "--force", "--time", "0"]);
  for (const end of box.ends) await end();
  const leaks = await lastingLeaks(box);
  if (KEEP) console.error(`kept: ${box.directory} ${box.runtime}`);
  else {
    await box.kelp(["unshare", "rm", "-rf", join(box.directory, "data")], { timeout: 60_000 });
    for (const path of [box.directory, box.runtime]) rmSync(path, { recursive: true, force: true });
  }
  if (leaks.length > 0) throw new Error(`left behind by the tests of ${box.directory}:\n${leaks.join("\n")}`);
}

/** Makes the sandbox of a test file and registers its removal; call it once, at the top. */
export function useSandbox(name: string, extra: Readonly<Record<string, string>> = {}): Sandbox {
  const { directory, runtime } = makeDirectories(name);
  const env = {
    PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    HOME: join(directory, "home"),
    USER: process.env.USER ?? "",
    LANG: "C.UTF-8",
    TMPDIR: join(directory, "tmp"),
    XDG_DATA_HOME: join(directory, "data"),
    XDG_CONFIG_HOME: join(directory, "config"),
    XDG_CACHE_HOME: join(directory, "cache"),
    XDG_RUNTIME_DIR: runtime,
    ...(DRIVER === "" ? {} : { STORAGE_DRIVER: DRIVER }),
    ...extra,
  };
  const kelp: Sandbox["kelp"] = (args, options = {}) =>
    run(KELP, args, { cwd: directory, ...options, env: { ...env, ...options.env } });
  const ok: Sandbox["ok"] = async (args, options) => {
    const { code, stdout, stderr } = await kelp(args, options);
    if (code !== 0) throw new Error(`kelp ${args.join(" ")} exited with ${code}:\n${stdout}${stderr}`);
    return stdout.replace(/\n$/, "");
  };
  const box: Sandbox = { directory, runtime, env, ends: [], kelp, ok };
  afterAll(() => tearDown(box), 90_000);
  return box;
}
