/** The program that connects the shared network namespace to the outside. */
import { accessSync, constants, existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HostError } from "../base/index.ts";
import { findProgram, readIfExists, writeFileAtomic } from "../host/index.ts";
import type { Context, TapPlan, UplinkPlan } from "../state/index.ts";
import { UPLINK_INTERFACE } from "./filters.ts";
import { pastaVersion } from "./pasta-version.ts";

/** The name server that the uplink answers for; it asks the host's, whatever that is at the moment. */
export const UPLINK_DNS = "10.0.2.3";
/** Largest packets the uplink takes; the fewer the better, since each crosses into user space. */
export const UPLINK_MTU = 65520;
/** slirp4netns's own choices, 10.0.2.100/24 and fd00::100/64: the shared namespace's addresses … */
const OWN: TapPlan["addresses"] = [
  { address: Uint8Array.of(10, 0, 2, 100), prefix: 24 },
  { address: Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0), prefix: 64 },
];
/** … and 10.0.2.2 and fd00::2, the routers it plays. */
const ROUTERS: readonly Uint8Array[] = [
  Uint8Array.of(10, 0, 2, 2),
  Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2),
];

const TUN = "/dev/net/tun";
/** Older ones lack the sandbox, or have known holes in their TCP/IP stack. */
const OLDEST: readonly [number, number] = [1, 0];
/**
 * The oldest pasta that stands in for a missing slirp4netns. It is often faster by eight connections, and uneven by one
 * (bench/README.md); older ones close what they inherit or lose the end of a transfer.
 */
const OLDEST_PASTA = "2026_01_01";

/** Whether a pasta can be the uplink of the shared network. @param program its path */
export function canServe(program: string): boolean {
  return pastaVersion(program) >= OLDEST_PASTA;
}
/** What every slirp4netns gets: its sandbox, and the descriptors of its keeper (native/PLAN.md, "The uplink"). */
export const SLIRP4NETNS_KEPT: readonly string[] = [
  "--enable-sandbox",
  "--enable-seccomp",
  "--exit-fd=3",
  "--ready-fd=4",
  "--netns-type=path",
  "/proc/self/fd/5",
  UPLINK_INTERFACE,
];
const SLIRP4NETNS = [`--mtu=${UPLINK_MTU}`, "--disable-host-loopback", "--enable-ipv6", ...SLIRP4NETNS_KEPT];
/** With slirp4netns's addresses. Nothing is forwarded to or from the host's loopback. */
const PASTA = [
  ...["--ns-ifname", UPLINK_INTERFACE, "--mtu", String(UPLINK_MTU)],
  ...["--address", "10.0.2.100", "--netmask", "24", "--gateway", "10.0.2.2", "--dns-forward", UPLINK_DNS],
  ...["--address", "fd00::100", "--gateway", "fd00::2"],
  ...[
    "--no-map-gw",
    "--no-dhcp",
    "--no-dhcpv6",
    "--no-ra",
    "-t",
    "none",
    "-u",
    "none",
    "-T",
    "none",
    "-U",
    "none",
  ],
  ...["--quiet", "--foreground", "--pid", "./4", "--netns", "./5"],
];
/** Of the programs that connect namespaces. */
export const HELPER_ENVIRONMENT = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"];

export interface Uplink {
  readonly plan?: UplinkPlan;
  /** Why there is none, for people. */
  readonly missing?: string;
}

/**
 * What a start has to know about the uplink. Its program gets from holdfast: 3, which hangs up when nobody looks after
 * it any more; 4, for a byte once it works; 5, the network namespace.
 *
 * The host's loopback addresses stay closed, the program sees no file but what it needs, and no system call but those.
 */
export function findUplink(ctx: Context): Uplink {
  const program = chosenProgram(ctx);
  if (program === undefined) return { missing: "slirp4netns is not installed" };
  if (!isUsable(TUN)) return { missing: `${TUN} cannot be opened` };
  const argv = [program, ...(isPasta(program) ? PASTA : SLIRP4NETNS)];
  return {
    plan: {
      lock: join(ctx.paths.runtime, "uplink.lock"),
      argv,
      env: HELPER_ENVIRONMENT,
      onDemand: true,
      failed: failedPath(ctx),
      tap: planTap(),
    },
  };
}

function isPasta(program: string): boolean {
  return /\/(pasta|passt)[^/]*$/.test(program);
}

/** slirp4netns, else a pasta that is new enough. */
function bestProgram(dirs: readonly string[]): string | undefined {
  const slirp = findProgram("slirp4netns", dirs);
  if (slirp !== undefined) return slirp;
  const pasta = findProgram("pasta", dirs);
  return pasta !== undefined && canServe(pasta) ? pasta : undefined;
}

/**
 * --network-cmd-path, or the best program that is found; looked for and asked for its version once, and again when the file
 * or the setting has changed.
 *
 * @throws {HostError} for one that is not there or too old
 */
function chosenProgram(ctx: Context): string | undefined {
  const known = join(ctx.paths.runtime, "uplink-checked");
  const { networkCmdPath: path, helperDirs, origins } = ctx.settings;
  const wish = JSON.stringify([path, ...helperDirs]);
  const [program = "", ...seen] = (readIfExists(known) ?? "").split("\n");
  if (program !== "" && seen.join("\n") === describe(program, wish)) return program;
  const found = path === "" ? bestProgram(helperDirs) : path;
  if (found === undefined) return undefined;
  const description = describe(found, wish);
  if (description === undefined)
    throw new HostError(
      "uplink-missing",
      `cannot use ${path} (${origins.networkCmdPath}): there is no such program`,
    );
  if (!isPasta(found)) requireVersion(found);
  writeFileAtomic(known, `${found}\n${description}`);
  return found;
}

/** What tells a program file from another; undefined: there is none. */
function describe(program: string, wish: string): string | undefined {
  const found = statSync(program, { throwIfNoEntry: false });
  return found?.isFile() ? `${found.ino} ${found.size} ${found.mtimeMs}\n${wish}` : undefined;
}

function failedPath(ctx: Context): string {
  return join(ctx.paths.runtime, "uplink-failed");
}

/**
 * Settings of an interface to a program that is not there yet. The kernel is to tell (`app_solicit`) when it looks for the
 * router's hardware address, to look often, and not to give up at the moment when the interface comes to life: so a packet
 * waits as long as the program takes to start.
 */
const TAP_SETTINGS: TapPlan["settings"] = [
  ...["ipv4", "ipv6"].flatMap((family) => [
    [`${family}/neigh/${UPLINK_INTERFACE}/app_solicit`, "1"] as const,
    [`${family}/neigh/${UPLINK_INTERFACE}/mcast_solicit`, "500"] as const,
    [`${family}/neigh/${UPLINK_INTERFACE}/retrans_time_ms`, "10"] as const,
  ]),
  [`ipv4/conf/${UPLINK_INTERFACE}/arp_evict_nocarrier`, "0"],
  [`ipv6/conf/${UPLINK_INTERFACE}/ndisc_evict_nocarrier`, "0"],
];

function planTap(): TapPlan {
  return {
    device: TUN,
    name: UPLINK_INTERFACE,
    mtu: UPLINK_MTU,
    addresses: OWN,
    routes: ROUTERS.map((gateway) => ({ destination: new Uint8Array(), prefix: 0, gateway, metric: 0 })),
    settings: TAP_SETTINGS,
  };
}

/** For a container that asks for the program. @throws {HostError} where it is missing, too old or without its device */
export function requireSlirp4netns(ctx: Context): string {
  const { networkCmdPath: path, helperDirs } = ctx.settings;
  const program = path !== "" && !isPasta(path) ? path : findProgram("slirp4netns", helperDirs);
  if (program !== undefined && isUsable(TUN)) {
    requireVersion(program);
    return program;
  }
  const reason = program === undefined ? "slirp4netns is not installed" : `${TUN} cannot be opened`;
  throw new HostError("no-slirp4netns", `cannot use --network slirp4netns: ${reason}`, {
    hint: program === undefined ? "Install slirp4netns." : `Ask an administrator for chmod 666 ${TUN}.`,
  });
}

function isUsable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function requireVersion(program: string): void {
  const [major, minor] = readVersion(program);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new HostError(
    "uplink-too-old",
    `cannot use ${program}: version ${major}.${minor} is older than ${OLDEST.join(".")}`,
    { hint: "Install a newer slirp4netns (kelp doctor uplink), or give --network none." },
  );
}

function readVersion(program: string): readonly [number, number] {
  const { spawnSync } = require("node:child_process") as typeof import("node:child_process");
  const { stdout } = spawnSync(program, ["--version"], { encoding: "utf8", env: {}, timeout: 5000 });
  const match = /version (\d+)\.(\d+)/.exec(stdout ?? "");
  return match === null ? [0, 0] : [Number(match[1]), Number(match[2])];
}

/**
 * A line for the user about an uplink that is missing or does not work, once in the life of the runtime directory; scripts
 * capture what `run` says.
 */
export function uplinkNotice(ctx: Context, { plan, missing }: Uplink): string | undefined {
  if (plan !== undefined && existsSync(plan.failed)) {
    rmSync(plan.failed, { force: true });
    return `containers reach nothing outside: ${plan.argv[0]} ends before it works`;
  }
  if (missing === undefined) return undefined;
  try {
    writeFileSync(join(ctx.paths.runtime, "uplink-notice"), "", { flag: "wx", mode: 0o600 });
  } catch {
    return undefined;
  }
  return `containers reach one another but nothing outside: ${missing} (kelp doctor uplink)`;
}
