/** The mounts of a container: the standard ones, those asked for, and the files kelp brings. */
import { UsageError } from "../base/index.ts";
import type { SpecMount, SpecNamespace } from "../oci/index.ts";
import type { ContainerConfig, MountConfig } from "../state/index.ts";
import type { RuntimeFacts } from "./facts.ts";
import { JOINED_SHM } from "./lower-joined-shm.ts";
import { hasNamespace } from "./spec-namespaces.ts";

/** Host files that become files of the container; absent: the image's own stays. */
export interface BindFiles {
  readonly hosts?: string;
  readonly hostname?: string;
  readonly resolvConf?: string;
  readonly containerEnv?: string;
  readonly localtime?: string;
  /** Instead of that: where /etc/localtime is to lead, the image having the zone itself. */
  readonly localtimeLink?: string;
  /** Further ones, by destination: secrets, a generated passwd. */
  readonly more?: Readonly<Record<string, string>>;
}

export interface MountsInput {
  readonly config: ContainerConfig;
  readonly namespaces: readonly SpecNamespace[];
  readonly files: BindFiles;
  /** Host directories of named volumes. */
  readonly volumes: ReadonlyMap<string, string>;
  /** Files of images that are mounted, by destination. */
  readonly images: ReadonlyMap<string, ImageFiles>;
  /** Directory for the upper and work directories of `:O` mounts. */
  readonly containerDir: string;
  readonly facts: RuntimeFacts;
  readonly systemd: boolean;
  readonly procOptions: readonly string[];
}

/** Directories of an image's files, topmost first, and where a container's changes to them go. */
export interface ImageFiles {
  readonly lower: readonly string[];
  /** Those that only hold the content of files in `lower`. */
  readonly data: readonly string[];
  readonly upper: string;
  readonly work: string;
  readonly merged: string;
}

const SAFE = ["nosuid", "noexec", "nodev"];
const TMPFS_PLACES = ["/run", "/tmp", "/var/tmp"];

/**
 * All mounts in the order in which they are made: a path never before the ones it lies beneath.
 * A mount asked for replaces the standard one of the same place and those beneath it.
 */
export function makeMounts(input: MountsInput): SpecMount[] {
  const asked = input.config.mounts.map((mount, index) => askedMount(mount, index, input));
  const taken = new Set(asked.map((mount) => mount.destination));
  const covered = (path: string) =>
    [...taken].some((place) => path === place || path.startsWith(`${place}/`));
  const standard = standardMounts(input).filter((mount) => !covered(mount.destination));
  const temporary = temporaryMounts(input).filter((mount) => !taken.has(mount.destination));
  const binds = new Set(asked.filter((mount) => mount.type === "bind").map((mount) => mount.destination));
  const files = fileMounts(input.files).filter(
    (mount) =>
      !taken.has(mount.destination) && !(mount.destination === "/run/.containerenv" && binds.has("/run")),
  );
  const rest = [...temporary, ...asked, ...files];
  return [...standard, ...rest.toSorted((a, b) => depth(a.destination) - depth(b.destination))];
}

function depth(path: string): number {
  return path.split("/").length;
}

function standardMounts(input: MountsInput): SpecMount[] {
  const { config, namespaces } = input;
  const readOnlyDev = config.readOnly && !config.readOnlyTmpfs ? ["ro"] : [];
  const proc: SpecMount = hasNamespace(namespaces, "pid")
    ? { destination: "/proc", type: "proc", source: "proc", options: [...SAFE, ...input.procOptions] }
    : { destination: "/proc", type: "bind", source: "/proc", options: ["rbind", ...SAFE] };
  return [
    proc,
    tmpfs("/dev", ["nosuid", "noexec", "strictatime", "mode=755", "size=65536k", ...readOnlyDev], "tmpfs"),
    sysMount(input),
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    ...ipcMounts(input, readOnlyDev),
    ...cgroupMounts(input),
  ];
}

function ipcMounts(input: MountsInput, readOnlyDev: readonly string[]): SpecMount[] {
  if (!hasNamespace(input.namespaces, "ipc")) {
    const host = (path: string): SpecMount => ({
      destination: path,
      type: "bind",
      source: path,
      options: ["rbind", ...SAFE],
    });
    return input.facts.mqueue ? [host("/dev/mqueue"), host("/dev/shm")] : [host("/dev/shm")];
  }
  const queue: SpecMount = { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: SAFE };
  // --ipc none: a namespace of its own, and no shared memory in the file system.
  if (input.config.namespaces.ipc === "none") return [queue];
  const ipc = input.namespaces.find(({ type }) => type === "ipc")?.path;
  if (input.config.namespaces.ipc.startsWith("container:") && ipc) {
    const source = ipc.replace(/ipc$/, "mnt");
    return [queue, { destination: "/dev/shm", type: JOINED_SHM, source, options: [] }];
  }
  const size = `size=${input.config.shmSize}`;
  return [queue, tmpfs("/dev/shm", [...SAFE, "mode=1777", size, ...readOnlyDev], "shm")];
}

/** The kernel lets a user mount sysfs only beside a network namespace of their own; otherwise the host's is bound. */
function sysMount(input: MountsInput): SpecMount {
  const access = input.config.privileged ? ["rw"] : ["ro"];
  return hasNamespace(input.namespaces, "network")
    ? { destination: "/sys", type: "sysfs", source: "sysfs", options: [...SAFE, ...access] }
    : { destination: "/sys", type: "bind", source: "/sys", options: ["rbind", ...SAFE, ...access] };
}

/** The container's own view of the hierarchy, or with --cgroupns host the host's, which it may only read (CVE-2023-25809). */
function cgroupMounts(input: MountsInput): SpecMount[] {
  const destination = "/sys/fs/cgroup";
  const safe = [...SAFE, "relatime"];
  if (!hasNamespace(input.namespaces, "cgroup")) {
    return [{ destination, type: "bind", source: destination, options: ["rbind", ...safe, "ro"] }];
  }
  if (!input.facts.cgroup2) return [];
  const access = input.config.privileged || input.systemd ? "rw" : "ro";
  return [{ destination, type: "cgroup2", source: "cgroup", options: [...safe, access] }];
}

function tmpfs(destination: string, options: readonly string[], source = "tmpfs"): SpecMount {
  return { destination, type: "tmpfs", source, options };
}

/** Writable places of a read-only container, and those systemd wants as PID 1. */
function temporaryMounts(input: MountsInput): SpecMount[] {
  const { config } = input;
  const places = new Map<string, SpecMount>();
  if (config.readOnly && config.readOnlyTmpfs) {
    for (const path of TMPFS_PLACES)
      places.set(path, tmpfs(path, ["nosuid", "nodev", "mode=1777", "tmpcopyup"]));
    places.set("/run", tmpfs("/run", ["nosuid", "nodev", "mode=755", "tmpcopyup"]));
  }
  if (input.systemd) {
    const size = config.shmSizeSystemd === undefined ? [] : [`size=${config.shmSizeSystemd}`];
    for (const path of ["/run", "/run/lock", "/var/log/journal"])
      places.set(path, tmpfs(path, ["nosuid", "nodev", "mode=755", ...size]));
    places.set("/tmp", tmpfs("/tmp", ["nosuid", "nodev", "mode=1777", ...size]));
  }
  return [...places.values()];
}

function askedMount(mount: MountConfig, index: number, input: MountsInput): SpecMount {
  refuseBeneathProc(mount);
  if (mount.options.some((option) => option === "idmap" || option.startsWith("idmap="))) {
    refuseOption(
      mount,
      mount.options.find((option) => option.startsWith("idmap"))!,
      "the kernel lets no user make such a mount",
    );
  }
  switch (mount.type) {
    case "tmpfs":
      return tmpfs(mount.destination, tmpfsOptions(mount.options));
    case "devpts":
      return {
        destination: mount.destination,
        type: "devpts",
        source: "devpts",
        options: ["newinstance", ...mount.options],
      };
    case "bind":
      return bindMount(mount, mount.source ?? "", index, input);
    case "volume": {
      const path = input.volumes.get(mount.source ?? mount.destination);
      if (path === undefined)
        throw new Error(`no directory is known for volume ${mount.source ?? mount.destination}`);
      return bindMount(mount, path, index, input);
    }
    case "image":
      return imageMount(mount, input.images.get(mount.destination));
  }
}

function bindMount(mount: MountConfig, source: string, index: number, input: MountsInput): SpecMount {
  if (mount.options.includes("O")) return overlayMount(mount, source, index, input.containerDir);
  const ignored = new Set(["z", "Z", "copy", "nocopy", "nocreate", "no-dereference", "suid", "dev", "exec"]);
  const options = mount.options.filter((option) => !ignored.has(option));
  if (!options.includes("bind") && !options.includes("rbind")) options.unshift("rbind");
  if (!input.config.privileged) {
    for (const safe of ["nosuid", "nodev"]) {
      if (!mount.options.includes(safe.slice(2)) && !options.includes(safe)) options.push(safe);
    }
  }
  return { destination: mount.destination, type: "bind", source, options };
}

/** Read-only unless `rw` is given: then the changes are the container's own. */
function imageMount({ destination, options, source }: MountConfig, files: ImageFiles | undefined): SpecMount {
  if (files === undefined) throw new Error(`no files are known of image ${source}`);
  const subpath = options.filter((option) => option.startsWith("subpath="));
  const own = options.includes("rw") ? [`upperdir=${files.upper}`, `workdir=${files.work}`] : [];
  const lower = [files.lower.map(escapeColons).join(":"), ...files.data.map(escapeColons)].join("::");
  const words = [`lowerdir=${lower}`, ...own, ...(own.length === 0 ? ["ro"] : []), ...subpath, "private"];
  return { destination, type: "overlay", source: files.merged, options: words };
}

/** As the kernel wants it in a list. */
const escapeColons = (path: string) => path.replaceAll(":", "\\:");

/** A temporary layer over the source, kept in the container's directory or where the user says. */
function overlayMount(mount: MountConfig, source: string, index: number, containerDir: string): SpecMount {
  refuseOption(mount, "U", "a layer of the container's own does not change what lies below it");
  const own = `${containerDir}/overlay-${index}`;
  const place = (key: string, name: string) =>
    mount.options.find((option) => option.startsWith(`${key}=`)) ?? `${key}=${own}/${name}`;
  const options = [
    `lowerdir=${escapeColons(source)}`,
    place("upperdir", "upper"),
    place("workdir", "work"),
    "private",
  ];
  return { destination: mount.destination, type: "overlay", source: `${own}/merged`, options };
}

/** podman's defaults, unless the opposite is asked for: what the image has there is copied. */
function tmpfsOptions(options: readonly string[]): string[] {
  const copies = options.includes("notmpcopyup") ? [] : ["tmpcopyup"];
  const result = options.filter(
    (option) => !["tmpcopyup", "notmpcopyup", "rprivate", "private", "U", "Z", "z"].includes(option),
  );
  for (const safe of SAFE) {
    if (!result.includes(safe) && !result.includes(safe.slice(2))) result.push(safe);
  }
  return [...result.filter((option) => !["suid", "dev", "exec"].includes(option)), ...copies];
}

/** A fake /proc would receive what the set-up writes into the real one (CVE-2019-16884, CVE-2025-52881). */
function refuseBeneathProc(mount: MountConfig): void {
  if (mount.destination !== "/proc" && !mount.destination.startsWith("/proc/")) return;
  throw new UsageError(
    "mount-in-proc",
    `cannot mount ${mount.source ?? mount.type} on ${mount.destination}: nothing can be mounted on or in /proc`,
    {
      ...(mount.origin === undefined ? {} : { hint: `it comes from ${mount.origin}` }),
    },
  );
}

function refuseOption(mount: MountConfig, option: string, reason: string): void {
  if (!mount.options.includes(option)) return;
  throw new UsageError(
    "unsupported-mount-option",
    `cannot mount ${mount.source ?? mount.type} on ${mount.destination} with option ${option}: ${reason}`,
    {
      ...(mount.origin === undefined ? {} : { hint: `it comes from ${mount.origin}` }),
    },
  );
}

function fileMounts(files: BindFiles): SpecMount[] {
  const places: [string, string | undefined][] = [
    ["/etc/hosts", files.hosts],
    ["/etc/hostname", files.hostname],
    ["/etc/resolv.conf", files.resolvConf],
    ["/run/.containerenv", files.containerEnv],
    ["/etc/localtime", files.localtime],
    ...Object.entries(files.more ?? {}),
  ];
  const result: SpecMount[] = [];
  for (const [destination, source] of places) {
    if (source !== undefined)
      result.push({
        destination,
        type: "bind",
        source,
        options: ["bind", "rprivate", "nosuid", "nodev", "noexec"],
      });
  }
  return result;
}
