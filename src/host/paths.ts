/**
 * Where kelp keeps its things. The only place besides config that reads the environment.
 *
 * Nothing is created here: directories come into being (0700) when something is first
 * written, so that `kelp --help` and `kelp ps` leave no trace.
 */
import { accessSync, constants, lstatSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { HostError } from "../base/index.ts";
import { lookupUser } from "./passwd.ts";

export interface Paths {
  /** Images, layers, containers, volumes and the database. */
  readonly data: string;
  readonly config: string;
  /** What can be made again at any time. */
  readonly cache: string;
  /** What is true until the next boot: sockets, status files, locks. */
  readonly runtime: string;
  /** One line for the user about an unusual choice, or absent. */
  readonly notice?: string;
}

export interface PathOptions {
  /** `--root`: replaces `data`. */
  readonly root?: string | undefined;
  /** `--runroot`: replaces `runtime`. */
  readonly runroot?: string | undefined;
  /** Whose paths; the caller's unless a test says otherwise. */
  readonly user?: PathUser;
}

export interface PathUser {
  readonly uid: number;
  /** Uid 0, and not that of a user namespace. */
  readonly isRealRoot: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Chooses the four directories by the XDG rules (a relative value counts as unset, as the
 * specification demands). Real root gets the system's places; uid 0 of a user namespace is
 * still the user outside and keeps theirs.
 *
 * @throws {HostError} if the fallback for a missing XDG_RUNTIME_DIR belongs to somebody else.
 */
export function resolvePaths(options: PathOptions = {}, env: Environment = process.env): Paths {
  const { uid, isRealRoot } = options.user ?? callingUser();
  const defaults = isRealRoot ? SYSTEM_PATHS : userPaths(uid, env);
  const root = options.root ? { data: resolve(options.root) } : {};
  if (options.runroot) return { ...defaults, ...root, runtime: resolve(options.runroot) };
  return { ...defaults, ...root, ...(isRealRoot ? {} : userRuntime(uid, env)) };
}

/** Where the user's configuration is; it may say where everything else is. */
export function configDirectory(options: PathOptions = {}, env: Environment = process.env): string {
  const { uid, isRealRoot } = options.user ?? callingUser();
  return isRealRoot ? SYSTEM_PATHS.config : userPaths(uid, env).config;
}

function callingUser(): PathUser {
  const uid = process.getuid?.() ?? 0;
  return { uid, isRealRoot: uid === 0 && !inUserNamespace() };
}

const SYSTEM_PATHS: Paths = {
  data: "/var/lib/kelp",
  config: "/etc/kelp",
  cache: "/var/cache/kelp",
  runtime: "/run/kelp",
};

function userPaths(uid: number, env: Environment): Paths {
  const home = absolute(env.HOME) ?? absolute(lookupUser(uid)?.home) ?? "/";
  return {
    data: join(absolute(env.XDG_DATA_HOME) ?? join(home, ".local", "share"), "kelp"),
    config: join(absolute(env.XDG_CONFIG_HOME) ?? join(home, ".config"), "kelp"),
    cache: join(absolute(env.XDG_CACHE_HOME) ?? join(home, ".cache"), "kelp"),
    runtime: "",
  };
}

/** XDG_RUNTIME_DIR; without one of their own (su, cron) the place logind would have made; without that a private temporary directory. */
function userRuntime(uid: number, env: Environment): { runtime: string; notice?: string } {
  const given = absolute(env.XDG_RUNTIME_DIR);
  if (given !== undefined && !isForeign(given, uid)) return { runtime: join(given, "kelp") };
  const usual = `/run/user/${uid}`;
  if (isOwnDirectory(usual, uid)) return { runtime: join(usual, "kelp") };
  const runtime = join(absolute(env.TMPDIR) ?? tmpdir(), `kelp-run-${uid}`);
  refuseForeign(runtime, uid);
  const why = given === undefined ? "is not set" : `is ${given}, which is somebody else's`;
  return { runtime, notice: `XDG_RUNTIME_DIR ${why}: using ${runtime} for running containers` };
}

/** What su and sudo pass on of the caller's. */
function isForeign(path: string, uid: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.uid !== uid && !isWritable(path);
}

function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

function isOwnDirectory(path: string, uid: number): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === uid && isWritable(path);
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Its name can be guessed and its parent is everybody's, so whoever made it first must have been us. */
function refuseForeign(path: string, uid: number): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  const reason = !found.isDirectory()
    ? "it is not a directory"
    : found.uid !== uid
      ? `it belongs to uid ${found.uid}`
      : (found.mode & 0o077) !== 0
        ? "others may enter it"
        : undefined;
  if (reason === undefined) return;
  throw new HostError("runtime-dir-unsafe", `cannot use runtime directory ${path}: ${reason}`, {
    hint: "remove it, or set XDG_RUNTIME_DIR to a directory of your own with mode 0700",
  });
}

/** True for uid 0 of a user namespace, which is some other user outside. */
function inUserNamespace(): boolean {
  try {
    return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync("/proc/self/uid_map", "utf8"));
  } catch {
    return false;
  }
}

/** The directories of PATH; relative ones would find what lies in the working directory, and are left out. */
export function searchPath(env: Environment = process.env): string[] {
  return (env.PATH ?? "").split(":").filter((directory) => isAbsolute(directory));
}

/** The directory of a container's files. */
export function containerDir(paths: Paths, id: string): string {
  return join(paths.data, "containers", id);
}

/** The directory of a live container's sockets and status. */
export function containerRunDir(paths: Paths, id: string): string {
  return join(paths.runtime, "c", id);
}

/** Parent of all unpacked layers: `layers/ROW`. */
export function layersDir(paths: Paths): string {
  return join(paths.data, "layers");
}

/** Where a blob lies, by its hex digest. */
export function blobPath(paths: Paths, hex: string): string {
  return join(paths.data, "blobs", "sha256", hex);
}

/** Half-made things, on the same filesystem as the finished ones so that rename works. */
export function tempDir(paths: Paths): string {
  return join(paths.data, "tmp");
}

/** Markers of ended `--rm` containers whose rows are still there. */
export function goneDir(paths: Paths): string {
  return join(paths.runtime, "gone");
}

/** Entries of live monitors, `PID-START`. */
export function liveDir(paths: Paths): string {
  return join(paths.runtime, "live");
}

/** What the name server of the networks reads, one file a network. */
export function namesDir(paths: Paths): string {
  return join(paths.runtime, "names");
}

/** Entries of those monitors that hold the shared network namespace. */
export function netDir(paths: Paths): string {
  return join(paths.runtime, "net");
}
