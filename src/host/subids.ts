/** Which ids of the host a user namespace of ours may use, and with whose help. */
import { statSync } from "node:fs";
import { readIfExists } from "./fs.ts";
import { loadLibc } from "./libc.ts";
import { lookupUser } from "./passwd.ts";
import { readProcFile } from "./procfs.ts";
import { findProgram } from "./programs.ts";
import {
  grantedSpans,
  type IdRange,
  parseSubids,
  type Span,
  type SubidLine,
  toIdMap,
  unclaimedSpan,
} from "./subid-ranges.ts";

export interface IdMaps {
  readonly uid: readonly IdRange[];
  readonly gid: readonly IdRange[];
  /** Only container id 0 is mapped, to the user. */
  readonly single: boolean;
  /** Why it is single, for people: follows "only one user id is available: ". */
  readonly reason?: string;
  /** Paths of the set-uid helpers; absent if single, or if we are root and write the map ourselves. */
  readonly newuidmap?: string;
  readonly newgidmap?: string;
}

/** What the answer depends on; a parameter for tests. */
export interface SubidSources {
  readonly uid: number;
  readonly gid: number;
  /** The name of the uid, if it has one. */
  userName(): string | undefined;
  /** The text of a file, or undefined. */
  read(path: string): string | undefined;
  /** `getsubids` output for a user, or undefined if that program is not there. */
  getsubids(owner: string, kind: "uid" | "gid"): string | undefined;
  findProgram(name: string): string | undefined;
  /** Whether the kernel will let this program map ids for others. */
  mayMapIds(program: string, capability: number): boolean;
}

const CAP_SETGID = 6;
/** Where useradd begins to give them out. */
const FIRST_SUBID = 100_000;
const CAP_SETUID = 7;
/** Where root's ids come from if no file says: above systemd's ranges for containers. */
const ROOT_START = 0x70000000;
const ROOT_SIZE = 65536;

/**
 * The maps for the calling user. Container id 0 is the user, further ones are the
 * subordinate ids; if anything needed for those is missing, the map is the single id and `reason` says why.
 */
export function loadIdMaps(sources: SubidSources = systemSources()): IdMaps {
  const status = sources.read("/proc/self/status") ?? "";
  if (sources.uid === 0 && hasCapabilities(status)) return rootMaps(sources);
  if (/^NoNewPrivs:\s*1/m.test(status))
    return single(sources, "this process may not gain privileges (no_new_privs)");
  const helpers = findHelpers(sources);
  if (typeof helpers === "string") return single(sources, helpers);
  const uids = userSpans(sources, "uid");
  const gids = userSpans(sources, "gid");
  for (const [spans, file] of [
    [uids, "/etc/subuid"],
    [gids, "/etc/subgid"],
  ] as const) {
    if (spans.length === 0)
      return single(sources, `${file} gives no range to ${sources.userName() ?? `uid ${sources.uid}`}`);
  }
  return { uid: toIdMap(sources.uid, uids), gid: toIdMap(sources.gid, gids), single: false, ...helpers };
}

function single(sources: SubidSources, reason: string): IdMaps {
  return { uid: toIdMap(sources.uid, []), gid: toIdMap(sources.gid, []), single: true, reason };
}

function hasCapabilities(status: string): boolean {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  const needed = (1n << BigInt(CAP_SETUID)) | (1n << BigInt(CAP_SETGID));
  return (effective & needed) === needed;
}

function findHelpers(sources: SubidSources): { newuidmap: string; newgidmap: string } | string {
  const newuidmap = sources.findProgram("newuidmap");
  const newgidmap = sources.findProgram("newgidmap");
  if (newuidmap === undefined || newgidmap === undefined) {
    return `${newuidmap === undefined ? "newuidmap" : "newgidmap"} is not installed (package uidmap or shadow-utils)`;
  }
  const weak = !sources.mayMapIds(newuidmap, CAP_SETUID) ? newuidmap : newgidmap;
  if (weak === newgidmap && sources.mayMapIds(newgidmap, CAP_SETGID)) return { newuidmap, newgidmap };
  return `${weak} is neither set-uid root nor has the file capability`;
}

export interface IdSupport {
  /** Whether somebody has given the user ranges of them. */
  readonly ranges: { readonly uid: boolean; readonly gid: boolean };
  /** From here on ids belong to nobody, as far as the files know. */
  readonly freeFrom: number;
  /** newuidmap and newgidmap. */
  readonly helpers: "ok" | "missing" | "unprivileged";
  readonly noNewPrivileges: boolean;
}

/** What subordinate ids take, one by one; `loadIdMaps` ends at the first that is missing. */
export function idSupport(sources: SubidSources = systemSources()): IdSupport {
  const found = ["newuidmap", "newgidmap"].every((name) => sources.findProgram(name) !== undefined);
  return {
    ranges: { uid: userSpans(sources, "uid").length > 0, gid: userSpans(sources, "gid").length > 0 },
    freeFrom: firstFree(sources),
    helpers: !found ? "missing" : typeof findHelpers(sources) === "string" ? "unprivileged" : "ok",
    noNewPrivileges: /^NoNewPrivs:\s*1/m.test(sources.read("/proc/self/status") ?? ""),
  };
}

function firstFree(sources: SubidSources): number {
  const lines = ["/etc/subuid", "/etc/subgid"].flatMap((path) => parseSubids(sources.read(path) ?? ""));
  return Math.max(FIRST_SUBID, ...lines.map(({ end }) => end));
}

/** The files, unless the system's configuration or an empty answer sends us to `getsubids`, which costs a process. */
function userSpans(sources: SubidSources, kind: "uid" | "gid"): Span[] {
  const name = sources.userName();
  const owners = [...(name === undefined ? [] : [name]), String(sources.uid)];
  const self = kind === "uid" ? sources.uid : sources.gid;
  const elsewhere = /^subid:(?!\s*files\s*$)/m.test(sources.read("/etc/nsswitch.conf") ?? "");
  if (!elsewhere) return grantedSpans(parseSubids(sources.read(`/etc/sub${kind}`) ?? ""), owners, self);
  const answer = sources.getsubids(name ?? String(sources.uid), kind) ?? "";
  return grantedSpans(parseGetsubids(answer), owners.slice(0, 1), self);
}

/** `getsubids` prints `N: owner start count`. */
function parseGetsubids(text: string): SubidLine[] {
  return parseSubids(text.replace(/^\d+: (\S+) (\d+) (\d+)$/gm, "$1:$2:$3"));
}

/**
 * Root writes the map itself. Its ids beyond 0 are those given to `containers` or `root`, else
 * ones nobody claims. Root of a user namespace has no ids but those of that namespace, and shares them.
 */
function rootMaps(sources: SubidSources): IdMaps {
  const outer = (kind: "uid" | "gid") => outerSize(sources.read(`/proc/self/${kind}_map`) ?? "");
  const map = (kind: "uid" | "gid"): IdRange[] => {
    const size = outer(kind);
    if (size !== undefined) return toIdMap(0, size > 1 ? [{ start: 1, end: size }] : []);
    const lines = parseSubids(sources.read(`/etc/sub${kind}`) ?? "");
    for (const owner of ["containers", "root"]) {
      const spans = grantedSpans(lines, owner === "root" ? ["root", "0"] : [owner], 0);
      if (spans.length > 0) return toIdMap(0, spans);
    }
    return toIdMap(0, [unclaimedSpan(lines, ROOT_START, ROOT_SIZE)]);
  };
  const uid = map("uid");
  const gid = map("gid");
  if (uid.length > 1 && gid.length > 1) return { uid, gid, single: false };
  return single(sources, "this user namespace has no other ids");
}

/** How many ids from 0 on a nested namespace has; undefined for the machine's own. */
function outerSize(map: string): number | undefined {
  const lines = map
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  if (lines.length === 1 && lines[0]?.join(" ") === "0 0 4294967295") return undefined;
  let size = 0;
  for (const [inside, , count] of lines.sort((a, b) => (a[0] ?? 0) - (b[0] ?? 0))) {
    if (inside !== size || count === undefined) break;
    size += count;
  }
  return size;
}

function systemSources(): SubidSources {
  const uid = process.getuid?.() ?? 0;
  let name: string | undefined | null = null;
  return {
    uid,
    gid: process.getgid?.() ?? 0,
    userName: () => {
      if (name === null) name = lookupUser(uid)?.name;
      return name;
    },
    read: (path) => (path.startsWith("/proc/") ? readProcFile(path) : readIfExists(path)),
    getsubids: (owner, kind) => {
      const program = findProgram("getsubids");
      if (program === undefined) return undefined;
      const options = { encoding: "utf8", timeout: 10_000 } as const;
      const { spawnSync } = process.getBuiltinModule("node:child_process");
      return spawnSync(program, [...(kind === "gid" ? ["-g"] : []), owner], options).stdout ?? undefined;
    },
    findProgram: (program) => findProgram(program),
    mayMapIds,
  };
}

/** Debian makes the helpers set-uid root; Fedora and Arch give them a file capability. */
function mayMapIds(program: string, capability: number): boolean {
  const found = statSync(program);
  if (found.uid === 0 && (found.mode & 0o4000) !== 0) return true;
  const value = loadLibc().lgetxattr(program, "security.capability");
  // struct vfs_cap_data: magic with flags, then the permitted set's low word.
  return value !== undefined && value.length >= 8 && (value.readUInt32LE(4) & (1 << capability)) !== 0;
}
