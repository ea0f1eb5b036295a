/** What `kelp info` tells, under podman's keys as far as they mean something here. */

import { cpus, freemem, hostname, release, totalmem, uptime } from "node:os";
import { basename } from "node:path";
import { cgroupManager, findEmulation, LOG_DRIVERS } from "../container/index.ts";
import {
  controllersOf,
  findDelegatedCgroup,
  findProgram,
  hostFacts,
  loadIdMaps,
  programVersion,
  readIfExists,
  userManagerCgroup,
} from "../host/index.ts";
import { DEFAULT_NETWORK, findNameServer, findUplink } from "../network/index.ts";
import { loadRegistriesConf, searchRegistries } from "../registry/index.ts";
import { defaultCapabilities, holdfastPath } from "../runtime/index.ts";
import type { Context } from "../state/index.ts";
import { storeReport } from "./info-store.ts";
import { goMap } from "./template.ts";
import { goArch, versionReport } from "./version.ts";

/** The whole report; fields that templates know under other names than JSON are hidden copies. */
export async function infoReport(ctx: Context) {
  const { registries } = searchRegistries(await loadRegistriesConf(ctx.paths));
  return {
    host: hostReport(ctx),
    plugins: {
      authorization: null,
      log: LOG_DRIVERS,
      network: ["bridge"],
      volume: ["local"],
    },
    registries: goMap({ search: registries }),
    store: storeReport(ctx),
    version: versionReport(),
  };
}

function hostReport(ctx: Context): Record<string, unknown> {
  const cgroupVersion = readIfExists("/sys/fs/cgroup/cgroup.controllers") === undefined ? "v1" : "v2";
  const { Version } = versionReport();
  const holdfast = {
    package: "part of kelp",
    path: holdfastPath(ctx.paths),
    version: `holdfast of kelp ${Version}`,
  };
  const memory = memoryInfo();
  const report = {
    arch: goArch(),
    cgroupManager: cgroupManager(ctx, {}),
    cgroupVersion,
    cgroupControllers: usableControllers(ctx),
    conmon: { ...holdfast, package: "part of kelp (holdfast, no conmon)" },
    cpus: cpus().length,
    databaseBackend: "sqlite",
    distribution: distribution(),
    emulatedArchitectures: emulatedArchitectures(ctx),
    cpuUtilization: cpuUtilization(),
    eventLogger: ctx.settings.eventsLogger,
    hostname: hostname(),
    idMappings: idMappings(),
    kernel: release(),
    linkmode: "static",
    logDriver: ctx.settings.logDriver,
    memFree: freemem(),
    memTotal: totalmem(),
    networkBackend: "kelp",
    networkBackendInfo: {
      backend: "kelp",
      ...holdfast,
      defaultNetwork: DEFAULT_NETWORK,
      dns: nameServer(ctx),
    },
    ociRuntime: { name: "holdfast", ...holdfast },
    os: "linux",
    pasta: networkProgram("pasta", ctx),
    remoteSocket: { exists: false, path: "" },
    rootlessNetworkCmd: uplinkProgram(ctx),
    security: securityReport(),
    serviceIsRemote: false,
    slirp4netns: networkProgram("slirp4netns", ctx),
    swapFree: memory("SwapFree"),
    swapTotal: memory("SwapTotal"),
    uptime: uptimeText(uptime()),
    variant: "",
  };
  return Object.defineProperty(report, "CgroupsVersion", { value: cgroupVersion });
}

/** Those that limits of containers can have. */
function usableControllers(ctx: Context): readonly string[] {
  const given = cgroupManager(ctx, {}) === "systemd" ? userManagerCgroup() : undefined;
  if (given !== undefined) return controllersOf(given);
  const delegation = findDelegatedCgroup();
  return "path" in delegation ? delegation.controllers : [];
}

/** What `--platform` can be besides this machine's. */
function emulatedArchitectures(ctx: Context): readonly string[] {
  const { registered, installed } = findEmulation(ctx);
  const { results } = hostFacts(ctx.paths, holdfastPath(ctx.paths));
  const usable = results.binfmt_misc === 0 ? installed : [];
  return [...new Set([...registered, ...usable])].sort().map((architecture) => `linux/${architecture}`);
}

function networkProgram(name: string, ctx: Context): object {
  const path = findProgram(name, ctx.settings.helperDirs);
  return path === undefined
    ? { executable: "", package: "", version: "" }
    : { executable: path, package: "Unknown", version: programVersion(path) };
}

/** Who tells containers one another's addresses beside their /etc/hosts. */
function nameServer(ctx: Context): object {
  const path = findNameServer(ctx);
  return path === undefined ? {} : { package: "Unknown", path, version: programVersion(path) };
}

/** What containers reach the outside through; empty where there is nothing. */
function uplinkProgram(ctx: Context): string {
  const program = findUplink(ctx).plan?.argv[0];
  return program === undefined ? "" : basename(program);
}

function idMappings(): object {
  const { uid, gid } = loadIdMaps();
  const rows = (ranges: typeof uid) =>
    ranges.map(({ container, host, size }) => ({ container_id: container, host_id: host, size }));
  return { gidmap: rows(gid), uidmap: rows(uid) };
}

function securityReport(): object {
  const seccomp = /^Seccomp:/m.test(readIfExists("/proc/self/status") ?? "");
  return {
    apparmorEnabled: false,
    capabilities: defaultCapabilities().join(","),
    rootless: process.getuid?.() !== 0,
    seccompEnabled: seccomp,
    seccompProfilePath: "",
    selinuxEnabled: false,
  };
}

function distribution(): object {
  const text = readIfExists("/etc/os-release") ?? readIfExists("/usr/lib/os-release") ?? "";
  const field = (name: string) => new RegExp(`^${name}="?([^"\\n]*)"?$`, "m").exec(text)?.[1];
  const codename = field("VERSION_CODENAME");
  return {
    ...(codename === undefined ? {} : { codename }),
    distribution: field("ID") ?? "unknown",
    version: field("VERSION_ID") ?? "unknown",
  };
}

function memoryInfo(): (name: string) => number {
  const text = readIfExists("/proc/meminfo") ?? "";
  return (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) * 1024;
}

function uptimeText(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const text = `${hours}h ${Math.floor((seconds % 3600) / 60)}m ${(seconds % 60).toFixed(2)}s`;
  return hours < 24 ? text : `${text} (Approximately ${(hours / 24).toFixed(2)} days)`;
}

/** Shares of the processors' time since the start of the machine, in percent. */
function cpuUtilization(): { userPercent: number; systemPercent: number; idlePercent: number } {
  const line = /^cpu +(.*)$/m.exec(readIfExists("/proc/stat") ?? "")?.[1] ?? "";
  const [user = 0, nice = 0, system = 0, idle = 0, ...others] = line.split(" ").map(Number);
  const all = [user, nice, system, idle, ...others].reduce((sum, part) => sum + part, 0) || 1;
  const percent = (part: number) => Math.round((part / all) * 10_000) / 100;
  return { userPercent: percent(user + nice), systemPercent: percent(system), idlePercent: percent(idle) };
}
