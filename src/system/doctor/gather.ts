/** Finds out about the machine what the checks ask. Looks only; tries the kernel by holdfast's probe. */
import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { release } from "node:os";
import { dirname } from "node:path";
import { BUILD } from "../../base/index.ts";
import { hostEnvironment } from "../../config/index.ts";
import { cgroupManager, findEmulation } from "../../container/index.ts";
import {
  controllersOf,
  findDelegatedCgroup,
  findProgram,
  type HostFacts,
  hostFacts,
  idSupport,
  loadIdMaps,
  loadLibSeccomp,
  lookupUser,
  programVersion,
  readIfExists,
  readProcFile,
  userManagerCgroup,
} from "../../host/index.ts";
import { canServe, findNameServer } from "../../network/index.ts";
import { holdfastPath } from "../../runtime/index.ts";
import type { Context } from "../../state/index.ts";
import { chooseDriver, type DriverName } from "../../storage/index.ts";
import { hasUserManager } from "../../systemd/index.ts";
import { lingerCommand, lingers } from "../linger.ts";
import { familyOf } from "./distribution.ts";
import type { DeviceState, DoctorFacts, MountFacts, ProgramFacts } from "./facts.ts";
import { mountOf } from "./mounts.ts";

export function gatherFacts(ctx: Context): DoctorFacts {
  const uid = process.getuid?.() ?? 0;
  const userName = lookupUser(uid)?.name ?? "";
  const probe = hostFacts(ctx.paths, holdfastPath(ctx.paths), true);
  return {
    family: familyOf(readIfExists("/etc/os-release") ?? readIfExists("/usr/lib/os-release") ?? ""),
    uid,
    userName,
    kernel: release(),
    probe,
    ids: idFacts(),
    devices: { fuse: device("/dev/fuse"), tun: device("/dev/net/tun") },
    programs: {
      aardvarkDns: withVersion(findNameServer(ctx)),
      slirp4netns: program(ctx, "slirp4netns"),
      pasta: pasta(ctx),
      fuseOverlayfs: program(ctx, "fuse-overlayfs"),
    },
    libseccomp: hasLibSeccomp(),
    emulation: findEmulation(ctx),
    cgroup: cgroupFacts(ctx),
    session: sessionFacts(ctx, userName),
    store: { ...storeFacts(ctx), driver: driverName(ctx, probe) },
    cache: cacheFacts(ctx),
    ...kernelLimits(uid),
    clock: { now: Math.floor(Date.now() / 1000), built: BUILD.time },
  };
}

function idFacts(): DoctorFacts["ids"] {
  const { uid, reason } = loadIdMaps();
  return { count: uid.reduce((sum, { size }) => sum + size, 0), reason, ...idSupport() };
}

function device(path: string): DeviceState {
  if (!existsSync(path)) return "missing";
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return "ok";
  } catch {
    return "denied";
  }
}

function program(ctx: Context, name: string): ProgramFacts | undefined {
  return withVersion(findProgram(name, ctx.settings.helperDirs));
}

function withVersion(path: string | undefined): ProgramFacts | undefined {
  return path === undefined ? undefined : { path, version: programVersion(path) };
}

function pasta(ctx: Context): DoctorFacts["programs"]["pasta"] {
  const found = program(ctx, "pasta");
  return found === undefined ? undefined : { ...found, serves: canServe(found.path) };
}

function hasLibSeccomp(): boolean {
  try {
    return loadLibSeccomp() !== undefined;
  } catch {
    return false;
  }
}

function cgroupFacts(ctx: Context): DoctorFacts["cgroup"] {
  const unified = existsSync("/sys/fs/cgroup/cgroup.controllers");
  if (cgroupManager(ctx, {}) === "systemd") {
    const group = userManagerCgroup();
    return { unified, manager: "systemd", controllers: group === undefined ? [] : controllersOf(group) };
  }
  const delegation = findDelegatedCgroup();
  return "reason" in delegation
    ? { unified, manager: undefined, controllers: [] }
    : { unified, manager: "cgroupfs", controllers: delegation.controllers };
}

function sessionFacts(ctx: Context, userName: string): DoctorFacts["session"] {
  return {
    systemd: existsSync("/run/systemd/system"),
    manager: hasUserManager(hostEnvironment()),
    lingers: lingers(userName),
    lingerCommand: lingerCommand(userName || String(process.getuid?.() ?? 0)),
    runtimeDirectory: { path: ctx.paths.runtime, isUsual: ctx.paths.notice === undefined },
  };
}

function mountFacts(path: string): MountFacts {
  return { path, ...mountOf(readProcFile("/proc/self/mountinfo") ?? "", path) };
}

/** Where holdfast is unpacked to, without which nothing else can be tried. */
export function cacheFacts({ paths }: Context): MountFacts {
  return mountFacts(paths.cache);
}

function storeFacts({ paths }: Context): Omit<DoctorFacts["store"], "driver"> {
  const disk = statfsSync(nearestExisting(paths.data));
  return { ...mountFacts(paths.data), freeBytes: disk.bavail * disk.bsize, freeFiles: disk.ffree };
}

function driverName(ctx: Context, probe: HostFacts): DriverName | undefined {
  try {
    return chooseDriver(ctx, () => probe);
  } catch {
    return undefined;
  }
}

function nearestExisting(path: string): string {
  return existsSync(path) || path === "/" ? path : nearestExisting(dirname(path));
}

function kernelLimits(
  uid: number,
): Pick<DoctorFacts, "firstPort" | "pingGroups" | "inotify" | "keys" | "openFiles"> {
  const number = (path: string, fallback: number) => Number(readProcFile(`/proc/sys/${path}`) ?? fallback);
  const [first = 1, last = 0] = (readProcFile("/proc/sys/net/ipv4/ping_group_range") ?? "1 0")
    .trim()
    .split(/\s+/)
    .map(Number);
  const used = new RegExp(`^\\s*${uid}:\\s+\\d+\\s+\\d+/\\d+\\s+(\\d+)/(\\d+)`, "m").exec(
    readProcFile("/proc/key-users") ?? "",
  );
  const files = /^Max open files\s+\S+\s+(\S+)/m.exec(readProcFile("/proc/self/limits") ?? "")?.[1];
  return {
    firstPort: number("net/ipv4/ip_unprivileged_port_start", 1024),
    pingGroups: [first, last],
    inotify: {
      instances: number("fs/inotify/max_user_instances", 128),
      watches: number("fs/inotify/max_user_watches", 8192),
    },
    keys: { used: Number(used?.[1] ?? 0), most: Number(used?.[2] ?? number("kernel/keys/maxkeys", 200)) },
    openFiles: files === "unlimited" ? Number.MAX_SAFE_INTEGER : Number(files ?? 1024),
  };
}
