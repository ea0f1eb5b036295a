/**
 * What this machine lets this user do. Found by trying (`holdfast probe`), which costs
 * milliseconds, and kept in one small file of the cache.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { BUILD, errnoCode, HostError, log } from "../base/index.ts";
import { ensureDir, readIfExists, writeFileAtomic } from "./fs.ts";
import { type Paths, tempDir } from "./paths.ts";
import { bootId } from "./procfs.ts";
import { temporaryPath } from "./temporary.ts";

export interface HostFacts {
  /** Release of the kernel, `6.1.0-18-amd64`. */
  readonly kernel: string;
  /** By the probe's names: 0 works, else the errno. A probe that could not be reached is missing. */
  readonly results: Readonly<Record<string, number>>;
  /** Unprivileged user namespaces, and everything `run` does in one. */
  readonly namespaces: boolean;
  /** The kernel's overlay on the store's filesystem, with `userxattr`. */
  readonly overlay: boolean;
  /** The same takes the content of files from other layers than their names and owners (Linux 6.16). */
  readonly overlayData: boolean;
  /** The kernel mounts a cgroup2 for a container's own /sys/fs/cgroup. */
  readonly cgroup2: boolean;
  readonly seccompNotify: boolean;
}

interface CachedFacts {
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly output: string;
}

/** How long an answer with a failure is believed: its cause may be a setting that somebody is mending. */
const FAILURE_LIFETIME_MS = 60_000;

/**
 * The facts for a store, from the cache if they were found since the last boot by the same holdfast.
 *
 * @param holdfast path of the helper
 * @param fresh asks the kernel again: something that worked before has failed
 * @throws {HostError} `probe-failed` if the helper does not run
 */
export function hostFacts(paths: Paths, holdfast: string, fresh = false): HostFacts {
  const file = join(paths.cache, `facts-${shortHash(paths.data)}.json`);
  // Overlay is tried where the layers will be; before there is a store, on a tmpfs.
  const hasStore = existsSync(paths.data);
  const key = `${bootId()} ${BUILD.assets.holdfast || statSync(holdfast).mtimeMs} ${hasStore}`;
  const cached = fresh ? undefined : readCached(file, key);
  if (cached !== undefined) return cached;
  const output = hasStore ? probeStore(holdfast, paths) : runProbe(holdfast);
  try {
    ensureDir(paths.cache);
    writeFileAtomic(file, JSON.stringify({ key, time: Date.now(), output } satisfies CachedFacts));
  } catch (error) {
    log.debug("cannot keep what was found out about this machine", { error: String(error) });
  }
  return parseProbe(output);
}

function readCached(file: string, key: string): HostFacts | undefined {
  try {
    const cached = JSON.parse(readIfExists(file) ?? "null") as CachedFacts | null;
    if (cached?.key !== key) return undefined;
    const facts = parseProbe(cached.output);
    const age = Date.now() - cached.time;
    const lasting = facts.namespaces && facts.overlay;
    return lasting || (age >= 0 && age < FAILURE_LIFETIME_MS) ? facts : undefined;
  } catch {
    // Unreadable or of another version: it can be found out again.
    return undefined;
  }
}

/** A store that is read-only says nothing about overlay: then it is tried on a tmpfs as well. */
function probeStore(holdfast: string, paths: Paths): string {
  const scratch = temporaryPath(paths, "probe");
  try {
    ensureDir(tempDir(paths));
    mkdirSync(scratch, { mode: 0o700 });
  } catch (error) {
    if (errnoCode(error) !== "EROFS") throw error;
    return runProbe(holdfast);
  }
  try {
    return runProbe(holdfast, scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function runProbe(holdfast: string, ...scratch: string[]): string {
  const { status, stdout, error } = spawnSync(holdfast, ["probe", ...scratch], {
    encoding: "utf8",
    timeout: 10_000,
  });
  if (status === 0) return stdout;
  throw new HostError(
    "probe-failed",
    `cannot run ${holdfast}: ${error?.message ?? `exit status ${status}`}`,
    {
      hint: "where its directory is mounted noexec, set XDG_CACHE_HOME to another (kelp doctor program-mount)",
    },
  );
}

/** Facts from the output of `holdfast probe`: lines of a name and a number, or for some names a text. */
export function parseProbe(output: string): HostFacts {
  const results: Record<string, number> = {};
  let kernel = "";
  for (const line of output.split("\n")) {
    const [name, value] = line.split(" ");
    if (name === "kernel") kernel = value ?? "";
    else if (name && value !== undefined && /^\d+$/.test(value)) results[name] = Number(value);
  }
  const works = (name: string) => results[name] === 0;
  return {
    kernel,
    results,
    namespaces: works("userns") && works("userns_map") && works("namespaces"),
    overlay: works("overlay_userxattr"),
    overlayData: works("overlay_data"),
    cgroup2: works("cgroup2"),
    seccompNotify: works("seccomp_notify"),
  };
}

/** What the user must mend before any container can run; nothing if all is well. */
export function hostProblem(facts: HostFacts): HostError | undefined {
  const missing = ["openat2", "open_tree", "mount_setattr", "close_range", "pidfd_open"].filter(
    (name) => facts.results[name] !== 0,
  );
  if (missing.length > 0) {
    return new HostError(
      "kernel-too-old",
      `cannot run containers: kernel ${facts.kernel} lacks ${missing.join(", ")}`,
      {
        hint: "kelp needs Linux 5.12 or later (kelp doctor kernel)",
      },
    );
  }
  if (facts.namespaces) return undefined;
  return new HostError("no-user-namespaces", `cannot run containers: ${namespaceReason(facts)}`, {
    hint: `${namespaceHint(facts)} (kelp doctor user-namespaces)`,
  });
}

function namespaceReason(facts: HostFacts): string {
  if (facts.results.max_user_namespaces === 0)
    return "user namespaces are switched off (user.max_user_namespaces = 0)";
  if (facts.results.apparmor_restricts_userns === 1)
    return "AppArmor restricts user namespaces of unprivileged programs";
  return "the kernel refuses user namespaces to unprivileged users";
}

function namespaceHint(facts: HostFacts): string {
  if (facts.results.max_user_namespaces === 0) return "as root: sysctl user.max_user_namespaces=15000";
  if (facts.results.apparmor_restricts_userns === 1) {
    return "as root: sysctl kernel.apparmor_restrict_unprivileged_userns=0, or give kelp an AppArmor profile with the rule userns";
  }
  return "as root: sysctl kernel.unprivileged_userns_clone=1, or look for a security policy (seccomp, container) around this shell";
}

/** Whether fuse filesystems can be mounted: the device is there and ours to open. */
export function hasFuse(): boolean {
  try {
    accessSync("/dev/fuse", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
