/** Prepares the machine for the tests: packages, an unprivileged user, devices. Root only; others are told. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

export const IS_ROOT = process.getuid() === 0;

/** Whom root runs the tests as. Another name lets two checkouts be tested side by side. */
const USER = process.env.TEST_USER ?? "kelp-test";

/** Two runs as the same user would count each other's processes as leaks. */
export const TURN = IS_ROOT ? USER : String(process.getuid());

/** Debian package → a file or program that shows it is there. */
const PACKAGES = {
  uidmap: "newuidmap",
  slirp4netns: "slirp4netns",
  passt: "pasta",
  "aardvark-dns": "podman/aardvark-dns",
  "fuse-overlayfs": "fuse-overlayfs",
  "busybox-static": "busybox",
  skopeo: "skopeo",
  umoci: "umoci",
  "docker-registry": "docker-registry",
  openssl: "openssl",
  "xz-utils": "xz",
  zstd: "zstd",
  bzip2: "bzip2",
  procps: "ps",
  strace: "strace",
  attr: "setfattr",
  systemd: "systemd/systemd",
  "dbus-daemon": "dbus-daemon",
  libseccomp2: "libseccomp.so.2",
  mandoc: "mandoc",
  zsh: "zsh",
  fish: "fish",
  "bash-completion": "bash_completion",
  tmux: "tmux",
  podman: "podman",
  nftables: "nft",
  iproute2: "ip",
  "util-linux": "setpriv",
  git: "git",
  crun: "crun",
  runc: "runc",
  runsc: "runsc",
  "qemu-user-static": "qemu-aarch64-static",
};

const DIRECTORIES = [
  ...(process.env.PATH ?? "").split(":"),
  ...["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"],
  "/usr/share/bash-completion",
  ...["/lib", "/usr/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"],
];

function missingPackages(packages) {
  const there = (name) =>
    DIRECTORIES.some((directory) => directory !== "" && existsSync(join(directory, name)));
  return Object.keys(packages).filter((name) => !there(packages[name]));
}

function must(command, args, env = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (status !== 0) {
    throw new Error(
      `${command} ${args.join(" ")} failed: ${error?.message ?? ""}${stdout ?? ""}${stderr ?? ""}`,
    );
  }
  return stdout;
}

/**
 * Installs what the tests use. Where that cannot be done, says what to install; those tests are skipped.
 *
 * @param more packages that only some suites of this run need, in the form of PACKAGES
 */
export function preparePackages(more) {
  const missing = missingPackages({ ...PACKAGES, ...more });
  if (missing.length === 0) return;
  if (!IS_ROOT || !existsSync("/usr/bin/apt-get")) {
    console.log(`some tests will be skipped; install for them: ${missing.join(" ")}`);
    console.log(`  on Debian: sudo apt-get install ${missing.join(" ")}`);
    return;
  }
  console.log(`installing for the tests: ${missing.join(" ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  try {
    must("apt-get", ["update", "-qq"], env);
    must("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...missing], env);
  } catch (error) {
    console.log(`some tests will be skipped: ${error.message}`);
  }
}

function accountOf(name) {
  const row = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((line) => line.startsWith(`${name}:`));
  if (row === undefined) return undefined;
  const [, , uid, gid, , home] = row.split(":");
  return { name, uid: Number(uid), gid: Number(gid), home };
}

function hasSubordinateIds(name) {
  return ["/etc/subuid", "/etc/subgid"].every(
    (path) => existsSync(path) && readFileSync(path, "utf8").includes(`${name}:`),
  );
}

/** Ordinary systems let everyone open these; a bare one may not. */
function openDevices() {
  for (const device of ["/dev/fuse", "/dev/net/tun"]) {
    if (existsSync(device) && (statSync(device).mode & 0o666) !== 0o666) chmodSync(device, 0o666);
  }
}

/** The account the tests run as, with its runtime directory: ours where we are root, else the caller's. */
export function prepareUser() {
  if (!IS_ROOT) {
    return {
      name: process.env.USER ?? "",
      uid: process.getuid(),
      gid: process.getgid(),
      home: process.env.HOME ?? "/",
    };
  }
  openDevices();
  if (accountOf(USER) === undefined) must("useradd", ["--create-home", "--shell", "/bin/sh", USER]);
  if (!hasSubordinateIds(USER)) {
    must("usermod", ["--add-subuids", "500000-565535", "--add-subgids", "500000-565535", USER]);
  }
  const user = accountOf(USER);
  const runtime = `/run/user/${user.uid}`;
  mkdirSync(runtime, { recursive: true });
  chmodSync(runtime, 0o700);
  chownSync(runtime, user.uid, user.gid);
  return { ...user, runtime };
}
