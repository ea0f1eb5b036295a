/**
 * The place where the tests run: a directory of their own, a copy of the checkout that the test
 * user can read (the checkout may lie under a directory it cannot enter), a clean environment, and
 * the look afterwards at what they left behind.
 */
import { spawnSync } from "node:child_process";
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { basename, join } from "node:path";
import { IS_ROOT } from "./test-machine.mjs";
import { findBun, ROOT } from "./toolchain.mjs";

/** Not needed by any test that runs as the test user. */
const NOT_COPIED = [
  "node_modules/@biomejs",
  "node_modules/@typescript",
  "node_modules/bun",
  "node_modules/.bin",
];
const COPIED = [
  "LICENSE",
  "Makefile",
  "README.md",
  "completions",
  "dist",
  "man",
  "native",
  "node_modules",
  "scripts",
  "src",
  "test",
  "kelp",
  "package.json",
  "tsconfig.json",
];

function copyCheckout(directory, user) {
  const target = join(directory, "checkout");
  mkdirSync(target);
  for (const name of COPIED.filter((entry) => existsSync(join(ROOT, entry)))) {
    cpSync(join(ROOT, name), join(target, name), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !NOT_COPIED.some((skipped) => path === join(ROOT, skipped)),
    });
  }
  cpSync(findBun(), join(target, "bun"));
  spawnSync("chmod", ["-R", "u+rwX,go+rX", target]);
  spawnSync("chown", ["-R", `${user.uid}:${user.gid}`, target]);
  return target;
}

function environment(directory, user, runtime, checkout) {
  const passed = Object.entries(process.env).filter(([name]) => /^(CI|TEST_\w+|TERM|TZ)$/.test(name));
  return {
    ...Object.fromEntries(passed),
    PATH: "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
    HOME: user.home,
    USER: user.name,
    LOGNAME: user.name,
    LANG: "C.UTF-8",
    TMPDIR: join(directory, "tmp"),
    XDG_RUNTIME_DIR: runtime,
    KELP_TEST_BINARY: join(checkout, "dist", "kelp"),
    KELP_TEST_CACHE: join(directory, "cache"),
    ...(IS_ROOT ? { KELP_TEST_SMALL_DISK: join(directory, "small") } : {}),
    KELP_TEST_SKIPS: join(directory, "reports", "skips"),
  };
}

/** Makes the place. /var/tmp, because overlay wants a disk beneath it and /tmp may be memory. */
export function makePlace(user) {
  const directory = mkdtempSync("/var/tmp/kelp-test-");
  for (const name of ["", "tmp", "cache", "reports", "small"]) {
    mkdirSync(join(directory, name), { recursive: true });
    chownSync(join(directory, name), user.uid, user.gid);
  }
  const checkout = IS_ROOT ? copyCheckout(directory, user) : ROOT;
  const runtime = user.runtime ?? process.env.XDG_RUNTIME_DIR ?? mkdtempSync("/tmp/kelp-run-");
  const cgroup = basename(directory);
  const enter = (name) => ["sh", join(ROOT, "scripts/lib/test-enter.sh"), user.name, `${cgroup}/${name}`];
  return {
    directory,
    user,
    runtime,
    cgroup,
    checkout,
    bun: IS_ROOT ? join(checkout, "bun") : findBun(),
    reports: join(directory, "reports"),
    env: environment(directory, user, runtime, checkout),
    asUser: (command, name) =>
      IS_ROOT ? ["unshare", "--mount", "--propagation", "private", ...enter(name), ...command] : command,
    before: runtimeFiles(runtime),
  };
}

function runtimeFiles(runtime) {
  return new Set(readdirSync(runtime));
}

function processesOf(uid) {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const owner = readFileSync(`/proc/${pid}/status`, "utf8").match(/^Uid:\s+(\d+)/m)?.[1];
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        const lives = Number(owner) === uid && command !== ""; // a zombie has no command line
        return lives ? [{ pid: Number(pid), text: `process ${pid}: ${command}` }] : [];
      } catch {
        return []; // ended meanwhile
      }
    });
}

/** What is left of the tests, ended and removed; only a test user of our own is swept by its uid. */
export function clearPlace(place) {
  const leaks = [];
  if (IS_ROOT) {
    const sweep = ["--mount", "--propagation", "private", "sh", join(ROOT, "scripts/lib/test-cgroup.sh")];
    const { stdout } = spawnSync("unshare", [...sweep, place.cgroup], { encoding: "utf8" });
    leaks.push(...stdout.split("\n").filter((line) => line !== ""));
    for (const { pid, text } of processesOf(place.user.uid)) {
      leaks.push(text);
      process.kill(pid, "SIGKILL");
    }
  }
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  leaks.push(...mounts.filter((line) => line.includes(place.directory)).map((line) => `mount ${line}`));
  const kept = process.env.TEST_KEEP === "1";
  if (!kept) {
    leaks.push(...readdirSync(join(place.directory, "tmp")).map((name) => `temporary file ${name}`));
    for (const name of runtimeFiles(place.runtime)) {
      if (place.before.has(name) || !name.startsWith("kt-")) continue;
      leaks.push(`runtime file ${name}`);
      rmSync(join(place.runtime, name), { recursive: true, force: true });
    }
    rmSync(place.directory, { recursive: true, force: true });
  } else console.log(`kept: ${place.directory}`);
  return leaks;
}
