/** The programs that are compared, each with a store of its own and the same busybox image. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KELP } from "../test/support/environment.ts";
import type { Peer } from "./scenarios.ts";

export interface Engine {
  readonly name: string;
  readonly version: string;
  /** Its home directory, in which it runs. */
  readonly home: string;
  /** The whole command line of a call, and its environment, for a shell. */
  command(args: readonly string[]): string[];
  readonly env: Readonly<Record<string, string>>;
  /** Runs the engine to its end; throws where it fails. */
  run(args: readonly string[]): string;
  /** The same; gives the processor time that it and its children took, in milliseconds. */
  cpu(args: readonly string[]): number;
  /** The same without waiting; gives the exit status. */
  start(args: readonly string[]): Promise<number>;
  /** Ends the containers and deletes the store. */
  remove(): void;
}

/** The account to run as: BENCH_USER where this is root (it is then also able to read every process's memory). */
export const USER = process.getuid?.() === 0 ? process.env.BENCH_USER : undefined;

function id(flag: string): string {
  return Bun.spawnSync(USER === undefined ? ["id", flag] : ["id", flag, USER])
    .stdout.toString()
    .trim();
}

export const UID = Number(id("-u"));

const AS_USER =
  USER === undefined ? [] : ["setpriv", "--reuid", id("-u"), "--regid", id("-g"), "--init-groups", "--"];

/** A directory that the account owns. */
export function scratch(name: string, parent: string = tmpdir()): string {
  const directory = mkdtempSync(join(parent, `bench-${name}-`));
  if (USER !== undefined) Bun.spawnSync(["chown", `${id("-u")}:${id("-g")}`, directory]);
  return directory;
}

function environment(home: string, runtime: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    HOME: home,
    USER: USER ?? process.env.USER ?? "",
    XDG_RUNTIME_DIR: runtime,
    LANG: "C.UTF-8",
  };
}

interface EngineOptions {
  name: string;
  program: string;
  /** Commands that end what the engine keeps running. */
  farewell?: readonly (readonly string[])[];
  /** Prepares the home directory and gives more of the environment. */
  configure?(home: string): Readonly<Record<string, string>>;
}

export function makeEngine({ name, program, farewell = [], configure }: EngineOptions): Engine {
  const home = scratch(name, process.env.BENCH_STORE ?? "/var/tmp");
  const runtime = scratch(name, "/tmp");
  const env = { ...environment(home, runtime), ...configure?.(home) };
  const command = (args: readonly string[]) => [...AS_USER, program, ...args];
  const spawn = (args: readonly string[]) => {
    const result = Bun.spawnSync(command(args), { env, cwd: home, stdin: "ignore", stderr: "pipe" });
    if (!result.success) throw new Error(`${name} ${args.join(" ")}: ${result.stderr.toString().trim()}`);
    return result;
  };
  const run = (args: readonly string[]) => spawn(args).stdout.toString().trim();
  const cpu = (args: readonly string[]) => Number(spawn(args).resourceUsage.cpuTime.total) / 1000;
  const start = (args: readonly string[]) =>
    Bun.spawn(command(args), { env, cwd: home, stdin: "ignore", stdout: "ignore", stderr: "ignore" }).exited;
  const remove = () => {
    for (const args of [
      ["rm", "-fa", "-t", "0"],
      ["unshare", "rm", "-rf", join(home, ".local")],
      ...farewell,
    ]) {
      Bun.spawnSync(command(args), { env, cwd: home, stdin: "ignore", stderr: "ignore" });
    }
    for (const path of [home, runtime]) rmSync(path, { recursive: true, force: true });
  };
  return { name, version: run(["--version"]), home, command, env, run, cpu, start, remove };
}

/** podman without systemd; where there is no cgroup v2 to be had, without cgroups, as kelp does by itself. */
export function podmanSettings(home: string): Readonly<Record<string, string>> {
  const path = join(home, "containers.conf");
  const cgroups = existsSync("/sys/fs/cgroup/cgroup.controllers") ? "enabled" : "disabled";
  const text = `[containers]\ncgroups = "${cgroups}"\nlog_driver = "k8s-file"\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n`;
  writeFileSync(path, text, { mode: 0o644 });
  return { CONTAINERS_CONF: path };
}

/** kelp first, then the peers that are installed. */
export function makeEngines(): Engine[] {
  const engines = [makeEngine({ name: "kelp", program: KELP })];
  const podman = process.env.BENCH_PODMAN ?? Bun.which("podman");
  if (podman)
    engines.push(
      makeEngine({
        name: "podman",
        program: podman,
        configure: podmanSettings,
        farewell: [["system", "migrate"]],
      }),
    );
  return engines;
}

/** crun alone with a bundle over the unpacked root file system; undefined where it is not installed. */
export function crunBundle(rootfs: string): (Peer & { remove(): void }) | undefined {
  const crun = Bun.which("crun");
  if (crun === null) return undefined;
  const bundle = scratch("crun");
  mkdirSync(join(bundle, "state"), { mode: 0o777 });
  if (USER !== undefined) Bun.spawnSync(["chown", "-R", `${id("-u")}:${id("-g")}`, bundle]);
  const env = environment(bundle, join(bundle, "state"));
  const spec = Bun.spawnSync([...AS_USER, crun, "spec", "--rootless"], { cwd: bundle, env });
  if (!spec.success) throw new Error(`crun spec: ${spec.stderr.toString()}`);
  const path = join(bundle, "config.json");
  const config = JSON.parse(Bun.spawnSync(["cat", path]).stdout.toString());
  config.process.terminal = false;
  config.process.args = ["/bin/true"];
  config.root = { path: rootfs, readonly: true };
  delete config.linux.resources;
  config.mounts = config.mounts.filter((mount: { type: string }) => mount.type !== "cgroup");
  writeFileSync(path, JSON.stringify(config));
  const run = () => {
    const result = Bun.spawnSync([...AS_USER, crun, "--cgroup-manager=disabled", "run", "bench"], {
      cwd: bundle,
      env,
      stdin: "ignore",
    });
    if (!result.success) throw new Error(`crun run: ${result.stderr.toString().trim()}`);
  };
  return { name: "crun", run, remove: () => rmSync(bundle, { recursive: true, force: true }) };
}
