/**
 * Tests that need something of the machine. `requires("overlay").test(…)` runs where the machine
 * has it, else skips and says why; TEST_MUST=overlay,tun,… turns such a skip into a failure.
 */
import { test as bunTest } from "bun:test";
import {
  accessSync,
  appendFileSync,
  constants,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { DRIVER, smallDisk } from "./environment.ts";
import { lacksUserManager } from "./user-manager.ts";
import { SYSTEMD } from "./user-systemd.ts";

type Probe = () => string | undefined;

function readWrite(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return `${path} is not accessible`;
  }
}

function program(...names: string[]): string | undefined {
  const missing = names.filter((name) => Bun.which(name) === null);
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`;
}

function subordinateIds(): string | undefined {
  const { username, uid } = userInfo();
  const listed = ["/etc/subuid", "/etc/subgid"].every(
    (path) =>
      existsSync(path) &&
      readFileSync(path, "utf8")
        .split("\n")
        .some((line) => line.startsWith(`${username}:`) || line.startsWith(`${uid}:`)),
  );
  return listed ? program("newuidmap", "newgidmap") : `no subordinate ids for ${username}`;
}

/** What a root filesystem made of layers needs: the kernel's overlay, unless the run is for another driver. */
function layers(): string | undefined {
  if (DRIVER === "vfs") return undefined;
  return DRIVER === "fuse-overlayfs" ? fuse() : overlay();
}

function fuse(): string | undefined {
  return readWrite("/dev/fuse") ?? program("fuse-overlayfs");
}

/** Tries the mount, because versions and security modules say too little. */
function overlay(lower = "l"): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), "kelp-probe-"));
  const mount = `mount -t overlay overlay -o userxattr,lowerdir=${lower},upperdir=u,workdir=w m`;
  const script = `mkdir l d u w m && ${mount} && umount m; s=$?; rm -rf w; exit $s`;
  const result = Bun.spawnSync(["unshare", "-rm", "sh", "-c", script], { cwd: directory, stderr: "pipe" });
  rmSync(directory, { recursive: true, force: true });
  return result.success ? undefined : `overlay with lowerdir=${lower} cannot be mounted in a user namespace`;
}

/** Layers that only hold content, from Linux 6.16 on. */
function overlayData(): string | undefined {
  return ["", "overlay"].includes(DRIVER) ? overlay("l::d") : "the driver makes full copies";
}

/** Whether this process's own cgroup is in the one v2 hierarchy and writable: then kelp can make children. */
function delegatedCgroup(): string | undefined {
  if (!existsSync("/sys/fs/cgroup/cgroup.controllers")) return "cgroup v2 is not mounted on /sys/fs/cgroup";
  const own = readFileSync("/proc/self/cgroup", "utf8").match(/^0::(.*)$/m)?.[1];
  return own === undefined
    ? "no cgroup v2 membership"
    : readWrite(join("/sys/fs/cgroup", own, "cgroup.procs"));
}

/** Whether the runner has given this program a group that no other makes containers in. */
function isAlone(): boolean {
  return /^0::.*\/kelp-test-[^/]+\//m.test(readFileSync("/proc/self/cgroup", "utf8"));
}

/** What `useSystemd` of user-systemd.ts needs to start one. */
function userSystemd(): string | undefined {
  if (!existsSync(SYSTEMD)) return `${SYSTEMD} is not installed`;
  if (!existsSync("/run/systemd/system")) return "systemd does not run here: run npm test as root";
  return program("systemctl", "systemd-analyze") ?? delegatedCgroup();
}

/** A journal that takes what this user writes, and shows it to him again. */
function readableJournal(): string | undefined {
  const none = program("journalctl", "systemd-cat");
  if (none !== undefined) return none;
  const mark = `kelp-test-${process.pid}`;
  const read = ["journalctl", "--quiet", "--no-pager", "--output=cat", `SYSLOG_IDENTIFIER=${mark}`];
  // The runner's own has just been started.
  for (let tries = process.env.KELP_TEST_JOURNAL === undefined ? 3 : 100; tries > 0; tries--) {
    Bun.spawnSync(["systemd-cat", "--identifier", mark, "echo", "probe"]);
    if (Bun.spawnSync(read).stdout.length > 0) return undefined;
    Bun.sleepSync(100);
  }
  return "no journal shows this user's entries";
}

function seccompLibrary(): string | undefined {
  const directories = ["/lib", "/usr/lib", "/lib64", "/usr/lib64", "/usr/lib/x86_64-linux-gnu"].concat(
    "/usr/lib/aarch64-linux-gnu",
  );
  const found = directories.some((directory) => existsSync(join(directory, "libseccomp.so.2")));
  return found ? undefined : "libseccomp.so.2 is not installed";
}

/** A compiler alone is not enough: the programs of the tests run in images without libraries. */
function staticCompiler(): string | undefined {
  const none = program("cc");
  if (none !== undefined) return none;
  const command = ["cc", "-static", "-pthread", "-x", "c", "-", "-o", "/dev/null"];
  const { success } = Bun.spawnSync(command, { stdin: Buffer.from("int main(void) { return 0; }\n") });
  return success ? undefined : "cc cannot link static programs";
}

/** What builds and runs the virtual machine of test/vm. */
function emulator(): string | undefined {
  if (process.arch !== "x64") return `the machine is made for x86_64, not ${process.arch}`;
  return program("qemu-system-x86_64", "mmdebstrap", "mke2fs", "setpriv");
}

/** What builds kelp for arm64 and runs it in a machine of that kind. */
function armEmulator(): string | undefined {
  if (process.arch !== "x64") return `the machine is emulated on x86_64, not on ${process.arch}`;
  return program("qemu-system-aarch64", "mmdebstrap", "mke2fs", "aarch64-linux-gnu-gcc", "busybox");
}

/** A kernel to which users may tell their emulators, and one to tell it of. */
function ownEmulator(): string | undefined {
  if (process.arch !== "x64") return `the tests' program is emulated on x86_64, not on ${process.arch}`;
  const none = program("qemu-aarch64-static");
  if (none !== undefined) return none;
  if (existsSync("/proc/sys/fs/binfmt_misc/qemu-aarch64")) return "the machine has registered it already";
  const { success } = Bun.spawnSync(["unshare", "-rm", "mount", "-t", "binfmt_misc", "none", "/tmp"]);
  return success ? undefined : "the kernel takes emulators from root only (Linux 6.7)";
}

const PROBES = {
  subuid: subordinateIds,
  overlay: layers,
  "overlay-data": overlayData,
  fuse,
  tun: () => readWrite("/dev/net/tun"),
  cgroup2: delegatedCgroup,
  "own-cgroup": () =>
    delegatedCgroup() ??
    (isAlone() ? undefined : "other tests share the control group: run npm test as root"),
  systemd: () =>
    Bun.which("systemctl") !== null && Bun.spawnSync(["systemctl", "--user", "is-system-running"]).success
      ? undefined
      : "no systemd user session",
  usersystemd: lacksUserManager,
  services: userSystemd,
  journal: readableJournal,
  seccomp: seccompLibrary,
  busybox: () => program("busybox"),
  skopeo: () => program("skopeo"),
  umoci: () => program("umoci"),
  registry: () => program("docker-registry", "openssl"),
  git: () => program("git"),
  buildah: () => program("buildah"),
  debian: () => {
    const found = Bun.spawnSync(["bash", "-c", "exec 3<>/dev/tcp/deb.debian.org/80"], { timeout: 5000 });
    return found.success ? undefined : "deb.debian.org does not answer";
  },
  mmdebstrap: () => program("mmdebstrap"),
  strace: () => program("strace"),
  slirp4netns: () => program("slirp4netns"),
  pasta: () => program("pasta"),
  aardvark: () =>
    ["/usr/lib", "/usr/libexec"].some((directory) => existsSync(`${directory}/podman/aardvark-dns`))
      ? undefined
      : "not installed: aardvark-dns",
  crun: () => program("crun"),
  runc: () => program("runc"),
  runsc: () => program("runsc"),
  vm: emulator,
  emulation: ownEmulator,
  arm64: armEmulator,
  zstd: () => program("zstd"),
  xz: () => program("xz"),
  bzip2: () => program("bzip2"),
  tmux: () => program("tmux"),
  bash: () =>
    existsSync("/usr/share/bash-completion/bash_completion")
      ? program("bash")
      : "bash-completion is not installed",
  zsh: () => program("zsh"),
  fish: () => program("fish"),
  podman: () =>
    program("podman") ??
    (existsSync("/sys/fs/cgroup/cgroup.controllers") ? undefined : "podman needs cgroup v2"),
  mandoc: () => program("mandoc"),
  cc: staticCompiler,
  smalldisk: () => (smallDisk() === undefined ? "no small disk: run npm test as root" : undefined),
  unprivileged: () => (process.getuid?.() === 0 ? "runs as root" : undefined),
} satisfies Record<string, Probe>;

export type Feature = keyof typeof PROBES;

const answers = new Map<Feature, string | undefined>();

/** Why the machine does not have `feature`; undefined if it has. Asked once per process. */
export function missing(feature: Feature): string | undefined {
  if (!answers.has(feature)) answers.set(feature, PROBES[feature]());
  return answers.get(feature);
}

/** What a test file found out by itself about a feature, before it asks for it. */
export function noteMissing(feature: Feature, reason: string | undefined): void {
  answers.set(feature, reason);
}

function note(reason: string, name: string): void {
  const file = process.env.KELP_TEST_SKIPS;
  if (file !== undefined) appendFileSync(file, `${reason}\t${name}\n`);
}

type Body = () => unknown;
type TestFunction = (name: string, body: Body, timeout?: number) => void;

/** `test` as it is where every feature is there; else one that skips with the reason, or fails under TEST_MUST. */
export function requires(...features: Feature[]): { test: TestFunction; missing: string | undefined } {
  const lacking = features.filter((feature) => missing(feature) !== undefined);
  const [first] = lacking;
  if (first === undefined) {
    const run: TestFunction = (name, body, timeout) =>
      bunTest(name, async () => void (await body()), timeout);
    return { test: run, missing: undefined };
  }
  const reason = lacking.map((feature) => `${feature}: ${missing(feature)}`).join("; ");
  const must = (process.env.TEST_MUST ?? "").split(",");
  if (lacking.some((feature) => must.includes(feature))) {
    const fail = (): never => {
      throw new Error(`TEST_MUST forbids this skip: ${reason}`);
    };
    return { test: (name) => bunTest(name, fail), missing: reason };
  }
  return {
    test: (name, body) => {
      note(reason, name);
      bunTest.skip(name, () => void body());
    },
    missing: reason,
  };
}
