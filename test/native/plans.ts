/**
 * Carries out hand-made plans with the real holdfast as an unprivileged user: run as root the tests become the user
 * KELP_TEST_USER (default kelper) for every start; run as anybody else they stay who they are.
 */

import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { spawn, spawnSync } from "bun";
import { encodePlan } from "../../src/runtime/plan/encode.ts";
import {
  NO_SLOT,
  type OpArgs,
  type OpName,
  type Plan,
  type PlanOp,
  STAGES,
  type Stage,
} from "../../src/runtime/plan/ops.ts";

const NATIVE = join(import.meta.dir, "../../native");
const BUSYBOX = "/bin/busybox";
const USER = process.env.KELP_TEST_USER ?? "kelper";

export const NEWNS = 0x20000n;
export const NEWUSER = 0x10000000n;
export const NEWPID = 0x20000000n;
const [NEWIPC, NEWUTS, NEWNET] = [0x8000000n, 0x4000000n, 0x40000000n];
export const IN_ROOT = 0x12n;
const SLAVE = 0x84000n;
export const ALL_CAPS = (1n << 41n) - 1n;

interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly subid: number | undefined;
}

function account(): Account | undefined {
  if (process.getuid!() !== 0) return withRange(process.getuid!(), process.getgid!(), userInfo().username);
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((l) => l.startsWith(`${USER}:`));
  if (line === undefined) return undefined;
  const [, , uid, gid] = line.split(":");
  return withRange(Number(uid), Number(gid), USER);
}

function withRange(uid: number, gid: number, name: string): Account {
  const text = existsSync("/etc/subuid") ? readFileSync("/etc/subuid", "utf8") : "";
  const range = text.split("\n").find((l) => l.startsWith(`${name}:`) || l.startsWith(`${uid}:`));
  return { uid, gid, subid: range === undefined ? undefined : Number(range.split(":")[1]) };
}

export const ACCOUNT = account();
/** Why these tests cannot run here, or undefined. */
export const MISSING =
  ACCOUNT === undefined ? `no user ${USER}` : existsSync(BUSYBOX) ? undefined : `no ${BUSYBOX}`;

function as(argv: readonly string[]): string[] {
  if (process.getuid!() !== 0) return [...argv];
  const { uid, gid } = ACCOUNT!;
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--init-groups", ...argv];
}

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A plan under construction; operations may come in any order of stages. */
export class PlanText {
  readonly ops: PlanOp[] = [];

  add<N extends OpName>(stage: Stage, op: N, args: OpArgs<N>, tolerate = 0): this {
    this.ops.push({ op, stage, args, tolerate } as PlanOp);
    return this;
  }

  /** Stage and position of the only operation of that name, as a failure reports them. */
  where(op: OpName, nth = 0): [Stage, string] {
    const ops = this.build().ops;
    const found = ops.flatMap((o, index) => (o.op === op ? [index] : []))[nth]!;
    return [ops[found]!.stage, String(found)];
  }

  build(): Plan {
    return { ops: this.ops.toSorted((a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage)) };
  }
}

export interface ContainerOptions {
  readonly argv: readonly string[];
  readonly attach?: boolean;
  readonly tty?: boolean;
  readonly init?: boolean;
  readonly stdin?: number;
  readonly streams?: number;
  readonly oneId?: boolean;
  readonly search?: readonly string[];
  readonly caps?: bigint;
  readonly cloneFlags?: bigint;
  readonly env?: readonly string[];
}

/** Builds holdfast if need be: for beforeAll, with BUILD_TIME to spare. */
export function buildHoldfast(): void {
  const made = spawnSync(["make", "-s", "-C", NATIVE]);
  if (!made.success) throw new Error(`make: ${made.stderr}`);
}
export const BUILD_TIME = 120_000;

/** A user's holdfast, runtime directory and root file system, gone again with `remove`. */
export class Sandbox {
  readonly dir = mkdtempSync(join(tmpdir(), "kelp-native-"));
  readonly holdfast = join(this.dir, "holdfast");
  readonly live = join(this.dir, "live");
  readonly root = join(this.dir, "root");
  #count = 0;

  constructor() {
    chmodSync(this.dir, 0o755);
    this.own(this.dir);
    copyFileSync(process.env.KELP_TEST_HOLDFAST ?? join(NATIVE, "build/holdfast"), this.holdfast);
    for (const name of ["live", "run", "mnt", "exit"]) this.mkdir(name);
    for (const name of ["root", "root/bin", "root/tmp"]) this.mkdir(name);
    copyFileSync(BUSYBOX, join(this.root, "bin/busybox"));
    const applets = "sh true cat echo id sleep ps stat tty kill grep ls mkdir stty head";
    for (const applet of applets.split(" ")) symlinkSync("busybox", join(this.root, "bin", applet));
    const script = '#!/bin/sh\n{ echo "$@"; id -u; } > "$0.out"\nexit 42\n';
    writeFileSync(join(this.dir, "run/failed"), script, { mode: 0o755 });
    this.own(join(this.dir, "run/failed"));
    this.own(this.holdfast);
  }

  own(path: string): void {
    if (process.getuid!() === 0) chownSync(path, ACCOUNT!.uid, ACCOUNT!.gid);
  }

  mkdir(name: string): string {
    const path = join(this.dir, name);
    mkdirSync(path, { recursive: true, mode: 0o755 });
    this.own(path);
    return path;
  }

  /** The base: joined, or made with the user's ranges (or one id only). */
  base(plan: PlanText, oneId = ACCOUNT!.subid === undefined): PlanText {
    const { uid, gid, subid } = ACCOUNT!;
    plan.add("launch", "joinBase", {
      lock: join(this.dir, "lock"),
      live: this.live,
      net: "",
      ownNet: 0,
      namespaces: NEWUSER | NEWNS,
    });
    if (oneId) {
      plan.add("map", "idMap", { kind: 2, text: "deny" });
      plan
        .add("map", "idMap", { kind: 0, text: `0 ${uid} 1\n` })
        .add("map", "idMap", { kind: 1, text: `0 ${gid} 1\n` });
    } else {
      for (const [program, id] of [
        ["newuidmap", uid],
        ["newgidmap", gid],
      ] as const)
        plan.add("map", "run", {
          argv: [
            `/usr/bin/${program}`,
            "",
            ..."0 1".split(" ").flatMap((c, i) => [c, `${i === 0 ? id : subid}`, i === 0 ? "1" : "65536"]),
          ],
          env: [],
          pidArg: 1,
        });
    }
    return plan.add("base", "propagation", { path: "/", flags: SLAVE });
  }

  /** Everything a container needs but `execve`'s neighbours that a test adds itself. */
  container(name: string, options: ContainerOptions): PlanText {
    const plan = this.base(new PlanText(), options.oneId);
    const dir = this.mkdir(`run/${name}`);
    plan.add("config", "container", {
      cloneFlags: options.cloneFlags ?? NEWNS | NEWPID | NEWIPC | NEWUTS | NEWNET,
      tty: options.tty ? 1 : 0,
      stdin: options.stdin ?? 0,
      init: options.init ? 1 : 0,
      stopSignal: 15,
      stopMs: 10_000,
      cgroup: NO_SLOT,
    });
    plan.add("config", "monitorFiles", {
      runDir: dir,
      statusName: "status",
      socketName: "attach",
      exitFile: join(this.dir, "exit", name),
      pidFile: "",
      monitorPidFile: "",
      amendName: "",
    });
    const log = { driver: 1, path: join(dir, "log"), lost: "", maxBytes: 0n, keep: 0 };
    plan.add("config", "log", { ...log, fields: new Uint8Array(), out: "", err: "", part: "" });
    this.client(plan, options);
    plan.add("monitor", "reexecReadOnly", {}).add("monitor", "registerHolder", {});
    this.rootfs(plan);
    if (options.tty)
      plan.add("setup", "openPty", { root: 1, path: "dev/pts/ptmx", rows: 24, columns: 80, uid: 0, into: 7 });
    plan.add("setup", "pivotRoot", { root: 1 });
    return this.command(plan, options);
  }

  /** A command of the host in the base, which it holds meanwhile if it registers. */
  enter(argv: readonly string[], register = true): PlanText {
    const plan = this.base(new PlanText());
    this.client(plan, { argv });
    if (register) plan.add("monitor", "registerHolder", {});
    return plan.add("exec", "execve", { argv, env: ["PATH=/usr/bin:/bin"], search: ["/usr/bin", "/bin"] });
  }

  client(plan: PlanText, options: ContainerOptions): void {
    plan.add("config", "client", {
      attach: options.attach === false ? 0 : 1,
      streams: options.streams ?? 6,
      signals: 1,
      detachKeys: new Uint8Array([16, 17]),
      announce: "announced\n",
    });
    plan.add("config", "onFailure", { argv: [join(this.dir, "run/failed")], env: ["PATH=/bin:/usr/bin"] });
  }

  rootfs(plan: PlanText): void {
    const place = (target: string) =>
      plan.add("setup", "moveMount", { tree: 2, root: 1, target, create: 1, resolve: IN_ROOT });
    plan.add("setup", "propagation", { path: "/", flags: SLAVE });
    plan.add("setup", "openTree", { path: this.root, flags: 0x8000, into: 0 });
    plan.add("setup", "attachRoot", { tree: 0, target: join(this.dir, "mnt"), into: 1 });
    plan.add("setup", "newMount", { type: "proc", options: [], attrs: 14n, into: 2 });
    place("proc");
    const devpts = ["newinstance", "ptmxmode=0666", "mode=0620"];
    plan.add("setup", "newMount", { type: "tmpfs", options: ["mode=755", "size=64k"], attrs: 2n, into: 2 });
    place("/dev");
    plan.add("setup", "newMount", { type: "devpts", options: devpts, attrs: 10n, into: 2 });
    place("dev/pts");
    plan.add("setup", "openTree", { path: "/dev/tty", flags: 0, into: 2 });
    plan.add("setup", "moveMount", { tree: 2, root: 1, target: "dev/tty", create: 2, resolve: IN_ROOT });
  }

  command(plan: PlanText, options: ContainerOptions): PlanText {
    const caps = options.caps ?? 0xa80425fbn;
    const oneId = options.oneId ?? ACCOUNT!.subid === undefined;
    plan.add("exec", "session", {}).add("exec", "umask", { mask: 0o22 }).add("exec", "chdir", { path: "/" });
    plan.add("exec", "credentials", {
      uid: 0,
      gid: 0,
      groups: new Uint8Array(oneId ? new Uint32Array([NO_SLOT]).buffer : []),
      bounding: caps,
      effective: caps,
      permitted: caps,
      inheritable: 0n,
      ambient: 0n,
    });
    return plan.add("exec", "execve", {
      argv: options.argv,
      env: options.env ?? ["PATH=/bin"],
      search: options.search ?? ["/bin"],
    });
  }

  write(plan: PlanText): string {
    const path = join(this.dir, "run", `plan-${this.#count++}`);
    writeFileSync(path, encodePlan(plan.build()), { mode: 0o600 });
    this.own(path);
    return path;
  }

  run(verb: string, plan: PlanText, stdin: string | undefined = undefined): Outcome {
    const result = spawnSync(as([this.holdfast, verb, this.write(plan)]), {
      cwd: "/",
      stdin: stdin === undefined ? "ignore" : Buffer.from(stdin),
      stdout: "pipe",
      stderr: "pipe",
      timeout: 20_000,
    });
    return { code: result.exitCode, stdout: result.stdout.toString(), stderr: result.stderr.toString() };
  }

  runShell(script: string): Outcome {
    const result = spawnSync(as(["/bin/bash", "-c", script]), {
      cwd: "/",
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    return { code: result.exitCode, stdout: result.stdout.toString(), stderr: result.stderr.toString() };
  }

  /** @param stdout a descriptor that takes its output instead of us */
  spawnTo(stdout: number, verb: string, plan: PlanText) {
    const argv = as([this.holdfast, verb, this.write(plan)]);
    return spawn(argv, { cwd: "/", stdin: "ignore", stdout, stderr: "ignore" });
  }

  spawn(verb: string, plan: PlanText) {
    return spawn(as([this.holdfast, verb, this.write(plan)]), {
      cwd: "/",
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
  }

  /** Words of the failure handler: stage, index, errno, and the uid it ran with; undefined if it did not run. */
  failure(): string[] | undefined {
    const path = join(this.dir, "run/failed.out");
    if (!existsSync(path)) return undefined;
    const words = readFileSync(path, "utf8").trim().split(/\s+/);
    rmSync(path);
    return words;
  }

  status(name: string): { monitor: number; monitorStart: bigint; init: number; initStart: bigint } {
    const text = readFileSync(join(this.dir, "run", name, "status"), "utf8");
    const line = (word: string) => new RegExp(`^${word} (\\d+) (\\d+)$`, "m").exec(text)!;
    const [, monitor, monitorStart] = line("monitor");
    const [, init, initStart] = line("init");
    return {
      monitor: Number(monitor),
      monitorStart: BigInt(monitorStart!),
      init: Number(init),
      initStart: BigInt(initStart!),
    };
  }

  exit(name: string): string {
    return readFileSync(join(this.dir, "exit", name), "utf8");
  }

  /** What holds a base at the moment. */
  holders(): string[] {
    return readdirSync(this.live);
  }

  /** Processes that live in this sandbox's files: there must be none in the end. */
  processes(): number[] {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return pids.filter((pid) => this.#isOurs(`/proc/${pid}`)).map(Number);
  }

  #isOurs(proc: string): boolean {
    try {
      if (readFileSync(`${proc}/mountinfo`, "utf8").includes(this.dir)) return true;
      if (readFileSync(`${proc}/cmdline`, "utf8").includes(this.dir)) return true;
      if (readFileSync(`${proc}/comm`, "utf8") !== "holdfast\n") return false;
      return readdirSync(`${proc}/fd`).some((fd) => readlinkSync(`${proc}/fd/${fd}`).includes(this.dir));
    } catch {
      return false;
    }
  }

  remove(): void {
    const left = this.processes();
    for (const pid of left) process.kill(pid, 9);
    spawnSync(as(["chmod", "-R", "u+rwX", this.dir]), { stderr: "ignore" }); // overlay's work directory has mode 000
    rmSync(this.dir, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`processes left behind: ${left.join(" ")}`);
  }
}

/** Waits until the condition holds; the tests' only clock. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 250; i++) {
    if (condition()) return;
    await Bun.sleep(20);
  }
  throw new Error(`never happened: ${what}`);
}
