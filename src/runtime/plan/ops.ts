/**
 * The operations holdfast can carry out: the only place where one is declared. Encoder,
 * disassembler and `native/plan_ops.h` are generated from or driven by this table; number and
 * order of arguments are the wire format (native/PLAN.md says what each operation does).
 *
 * A stage is a process role, in the order in which they run:
 *   config   not an operation: a static record, read before anything runs
 *   launch   the process kelp became, in the host's namespaces
 *   map      the same process, only when a new base is made, while the base process waits
 *   base     the base process (monitor to be), only in a new base, before anything else
 *   uplink   the monitor, inside the base namespaces but still in the host's network; only if the plan asks for the shared network or for one of its own
 *   netbase  the monitor, inside that network namespace; only in a new one
 *   monitor  the monitor (or exec's parent), inside the base namespaces, before the container's process exists
 *   setup    the container's first process (or exec's child), in its new namespaces
 *   exec     the same process (with `init`: its child), last steps up to execve
 *   check    a process of a health check, forked by the monitor and in the container's namespaces already
 *   startup  the same for the check that tells whether the container has started
 *   finish   the monitor (or enter's launcher), after the process has ended; a failing one does not stop the rest
 *   vanish   the same, for what a container made with --rm takes along; not while a client keeps it (PROTOCOL.md)
 */
export const STAGES = ["config", "launch", "map", "base", "uplink", "netbase", "monitor", "setup", "exec", "check", "startup", "finish", "vanish"] as const;
export type Stage = (typeof STAGES)[number];

/**
 * Argument kinds. `slot` names a descriptor (0 to 63) that an earlier operation made; `into` is the slot
 * an operation fills. `str` is bytes without NUL, `strv` a list of them, `blob` raw bytes.
 */
export type ArgKind = "u32" | "u64" | "slot" | "into" | "str" | "strv" | "blob";

export interface OpDef<A extends Readonly<Record<string, ArgKind>> = Readonly<Record<string, ArgKind>>> {
  readonly code: number;
  readonly stages: readonly Stage[];
  readonly args: A;
}

function op<const A extends Readonly<Record<string, ArgKind>>>(
  code: number,
  stages: readonly Stage[],
  args: A,
): OpDef<A> {
  return { code, stages, args };
}

const inside = ["monitor", "setup", "exec"] as const;
const program = ["exec", "check", "startup"] as const;
const afterwards = ["finish", "vanish"] as const;
const network = ["netbase", "monitor", "setup"] as const;

/** A slot number that names nothing. */
export const NO_SLOT = 0xffffffff;

export const OPS = {
  // --- static records -------------------------------------------------------------------------
  container: op(0x01, ["config"], { cloneFlags: "u64", tty: "u32", stdin: "u32", init: "u32", stopSignal: "u32", stopMs: "u32", cgroup: "slot" }),
  monitorFiles: op(0x02, ["config"], { runDir: "str", statusName: "str", socketName: "str", exitFile: "str", pidFile: "str", monitorPidFile: "str", amendName: "str" }),
  log: op(0x03, ["config"], { driver: "u32", path: "str", lost: "str", maxBytes: "u64", keep: "u32", fields: "blob", out: "str", err: "str", part: "str" }),
  client: op(0x04, ["config"], { attach: "u32", streams: "u32", signals: "u32", detachKeys: "blob", announce: "str" }),
  onFailure: op(0x05, ["config"], { argv: "strv", env: "strv" }),
  life: op(0x06, ["config"], { restart: "u32", retries: "u32", delayMs: "u32", delayMaxMs: "u32", steadyMs: "u32", timeoutMs: "u64" }),
  health: op(0x07, ["config"], { namespaces: "u64", state: "str", log: "str", keep: "u32", maxBytes: "u32", intervalMs: "u64", timeoutMs: "u64", periodMs: "u64", startIntervalMs: "u64", retries: "u32", action: "u32", stopMs: "u32", starting: "strv", healthy: "strv", unhealthy: "strv" }),
  startup: op(0x08, ["config"], { intervalMs: "u64", timeoutMs: "u64", retries: "u32", successes: "u32" }),
  events: op(0x09, ["config"], { path: "str", journal: "u32", maxBytes: "u64", start: "strv", again: "strv", died: "strv" }),
  notify: op(0x0a, ["config"], { target: "slot", when: "u32", mainPid: "str", ready: "str", dir: "str", name: "str", pass: "strv" }),
  runtime: op(0x0b, ["config"], { pidFile: "str", console: "str", start: "strv", kill: "strv", remove: "strv", env: "strv" }),
  held: op(0x0c, ["config"], {}),
  // --- base namespaces --------------------------------------------------------------------------
  joinBase: op(0x10, ["launch"], { lock: "str", live: "str", net: "str", ownNet: "u32", namespaces: "u64" }),
  joinHolder: op(0x11, ["launch"], { pid: "u32", start: "u64", namespaces: "u64" }),
  idMap: op(0x12, ["map"], { kind: "u32", text: "str" }),
  run: op(0x13, ["map", "monitor", "finish"], { argv: "strv", env: "strv", pidArg: "u32" }),
  reexecReadOnly: op(0x14, ["monitor"], {}),
  registerHolder: op(0x15, ["monitor"], {}),
  begin: op(0x16, ["map"], { argv: "strv", env: "strv", pidArg: "u32" }),
  await: op(0x17, ["map"], {}),
  claim: op(0x18, ["monitor"], { directory: "str", waitMs: "u32" }),
  // --- descriptors --------------------------------------------------------------------------------
  openPath: op(0x20, ["launch", "netbase", ...inside], { path: "str", flags: "u32", into: "into" }),
  openAt: op(0x21, inside, { root: "slot", path: "str", flags: "u32", mode: "u32", resolve: "u64", into: "into" }),
  openPid: op(0x22, inside, { pid: "u32", start: "u64", into: "into" }),
  closeSlot: op(0x23, inside, { slot: "slot" }),
  expectDevice: op(0x24, inside, { slot: "slot", kind: "u32", major: "u32", minor: "u32" }),
  connectDatagram: op(0x26, ["launch"], { address: "blob", into: "into" }),
  hold: op(0x27, ["monitor"], { slot: "slot" }),
  // --- namespaces -----------------------------------------------------------------------------------
  joinNs: op(0x28, inside, { path: "str", kind: "u32" }),
  joinPid: op(0x29, inside, { slot: "slot", namespaces: "u64" }),
  unshare: op(0x2a, ["base", ...inside], { flags: "u64" }),
  hostname: op(0x2b, ["setup"], { name: "str" }),
  domainname: op(0x2c, ["setup"], { name: "str" }),
  ownUsers: op(0x2e, ["setup"], { proc: "slot", uid: "str", gid: "str" }),
  becomeRoot: op(0x2f, ["setup"], {}),
  linkUp: op(0x2d, ["base", "netbase", "setup"], { name: "str" }),
  // --- mounts ------------------------------------------------------------------------------------------
  propagation: op(0x30, ["base", "monitor", "setup"], { path: "str", flags: "u64" }),
  openTree: op(0x31, ["monitor", "setup"], { path: "str", flags: "u32", into: "into" }),
  openTreeAt: op(0x32, ["monitor", "setup"], { root: "slot", path: "str", flags: "u32", resolve: "u64", into: "into" }),
  mountAttr: op(0x33, ["monitor", "setup"], { tree: "slot", set: "u64", clear: "u64", propagation: "u64", recursive: "u32" }),
  newMount: op(0x34, ["monitor", "setup"], { type: "str", options: "strv", attrs: "u64", into: "into" }),
  moveMount: op(0x35, ["monitor", "setup"], { tree: "slot", root: "slot", target: "str", create: "u32", resolve: "u64" }),
  overlay: op(0x36, ["monitor", "setup"], { cwd: "str", data: "str", flags: "u64", target: "str", into: "into" }),
  attachRoot: op(0x37, ["monitor", "setup"], { tree: "slot", target: "str", into: "into" }),
  pivotRoot: op(0x38, ["setup"], { root: "slot" }),
  unmount: op(0x39, ["monitor", "setup", "finish"], { path: "str", flags: "u32" }),
  // --- files inside a root ----------------------------------------------------------------------------
  makeDir: op(0x40, ["setup", "exec"], { root: "slot", path: "str", mode: "u32", uid: "u32", gid: "u32" }),
  makeLink: op(0x41, ["setup"], { root: "slot", target: "str", path: "str" }),
  ownTree: op(0x4c, ["monitor"], { path: "str", uid: "u32", gid: "u32" }),
  copyTree: op(0x4b, ["setup"], { from: "slot", to: "slot", looks: "u32" }),
  writeAt: op(0x43, ["netbase", ...inside], { root: "slot", path: "str", resolve: "u64", data: "str" }),
  setOwner: op(0x4a, ["monitor"], { path: "str", uid: "u32", gid: "u32" }),
  cgroupMake: op(0x44, ["launch", "monitor"], { path: "str", into: "into" }),
  removeAt: op(0x46, ["setup"], { root: "slot", path: "str" }),
  // --- terminal ------------------------------------------------------------------------------------------
  openPty: op(0x48, ["setup"], { root: "slot", path: "str", rows: "u32", columns: "u32", uid: "u32", into: "into" }),
  // --- the last steps ------------------------------------------------------------------------------------
  session: op(0x50, program, {}),
  rlimit: op(0x51, ["setup", ...program], { resource: "u32", soft: "u64", hard: "u64" }),
  umask: op(0x52, program, { mask: "u32" }),
  chdir: op(0x53, program, { path: "str" }),
  keyring: op(0x54, program, { name: "str" }),
  credentials: op(0x55, program, { uid: "u32", gid: "u32", groups: "blob", bounding: "u64", effective: "u64", permitted: "u64", inheritable: "u64", ambient: "u64" }),
  noNewPrivileges: op(0x56, program, {}),
  seccomp: op(0x57, program, { flags: "u32", filter: "blob" }),
  keepFds: op(0x58, ["exec"], { count: "u32" }),
  execve: op(0x59, program, { argv: "strv", env: "strv", search: "strv" }),
  pidVariable: op(0x5a, ["exec"], { name: "str" }),
  // --- the shared network, and what hangs on it --------------------------------------------------------
  keep: op(0x70, ["uplink", "monitor"], { lock: "str", argv: "strv", env: "strv", capabilities: "u64", outside: "u32", onDemand: "u32", failed: "str", directory: "str", leftover: "str", pauseMs: "u32", pauseMaxMs: "u32", stableMs: "u32", cgroup: "slot" }),
  awaitKept: op(0x71, ["monitor"], { timeoutMs: "u32" }),
  openNetlink: op(0x72, network, { into: "into" }),
  bridgeAdd: op(0x73, network, { socket: "slot", name: "str", mac: "blob", mtu: "u32" }),
  vethAdd: op(0x74, network, { socket: "slot", name: "str", mac: "blob", mtu: "u32", peerNs: "slot", peerName: "str" }),
  linkSet: op(0x75, network, { socket: "slot", name: "str", master: "str" }),
  linkRemove: op(0x76, network, { socket: "slot", name: "str" }),
  addressAdd: op(0x77, network, { socket: "slot", link: "str", address: "blob", prefix: "u32", broadcast: "blob" }),
  routeAdd: op(0x78, network, { socket: "slot", link: "str", family: "u32", destination: "blob", prefix: "u32", gateway: "blob", metric: "u32", table: "u32", type: "u32" }),
  ruleAdd: op(0x79, network, { socket: "slot", family: "u32", mark: "u32", table: "u32", priority: "u32" }),
  netfilter: op(0x7a, ["netbase", "monitor"], { batch: "blob", otherwise: "blob" }),
  tapAdd: op(0x7c, ["netbase", "monitor"], { socket: "slot", device: "str", name: "str", mtu: "u32" }),
  publish: op(0x7b, ["launch"], { protocol: "u32", address: "blob", port: "u32", count: "u32", target: "blob", targetPort: "u32", prefix: "u32" }),
  // --- afterwards ----------------------------------------------------------------------------------------
  removeTree: op(0x60, afterwards, { path: "str" }),
  removeFile: op(0x61, afterwards, { path: "str" }),
  makeMarker: op(0x62, afterwards, { path: "str" }),
  cgroupRemove: op(0x64, ["finish"], { path: "str" }),
  spawn: op(0x63, afterwards, { argv: "strv", env: "strv" }),
  event: op(0x66, afterwards, { path: "str", journal: "u32", maxBytes: "u64", line: "strv" }),
} as const satisfies Record<string, OpDef>;

export type OpName = keyof typeof OPS;

type ArgValue<K extends ArgKind> = K extends "u32" | "slot" | "into"
  ? number
  : K extends "u64"
    ? bigint
    : K extends "str"
      ? string
      : K extends "strv"
        ? readonly string[]
        : Uint8Array;

export type OpArgs<N extends OpName> = { readonly [A in keyof (typeof OPS)[N]["args"]]: ArgValue<(typeof OPS)[N]["args"][A] & ArgKind> };

/**
 * Sets of errnos an operation may meet without the plan failing; anything else ends it. A slot that a
 * tolerated operation should have filled stays void, and operations on a void slot do nothing.
 */
export const TOLERATE = {
  none: 0,
  /** ENOENT, ENOTDIR: the path is not in this image or kernel. */
  missing: 1,
  /** EACCES, EPERM: the kernel does not let a user do this. */
  denied: 2,
  /** EINVAL, ENOSYS, EOPNOTSUPP, ENODEV: the kernel does not know it. */
  unsupported: 4,
  /** EEXIST. */
  exists: 8,
  any: 0x80,
} as const;

/** One operation of a plan, with the option or default it comes from (for people; not sent). */
export type PlanOp = {
  [N in OpName]: { readonly op: N; readonly stage: Stage; readonly args: OpArgs<N>; readonly tolerate?: number; readonly origin?: string };
}[OpName];

/** What holdfast carries out: operations in order, each in its stage. */
export interface Plan {
  readonly ops: readonly PlanOp[];
}
