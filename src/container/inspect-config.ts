/** The parts of podman's inspection that are words of the container's record: `Config` and `HostConfig`. */
import { humanSize } from "../base/index.ts";
import type { SpecRlimit } from "../oci/index.ts";
import type { ContainerConfig, ContainerRecord, Context, PortMapping } from "../state/index.ts";
import { cgroupManager } from "./cgroup-home.ts";
import { HEALTH_DEFAULTS } from "./config-health.ts";
import { signalName } from "./signal.ts";

/** `Config`. */
export function inspectConfig(record: ContainerRecord) {
  const { config } = record;
  return {
    Hostname: config.namespaces.uts === "host" ? "" : config.hostname || record.id.slice(0, 12),
    Domainname: "",
    User: config.user,
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Tty: config.tty,
    OpenStdin: config.openStdin,
    StdinOnce: config.stdinOnce,
    Env: config.env,
    Cmd: config.command.length === 0 ? null : config.command,
    ...(config.network.exposed === undefined
      ? {}
      : { ExposedPorts: Object.fromEntries(config.network.exposed.map((port) => [port, {}])) }),
    Image: config.imageName || config.rawImageName,
    Volumes: null,
    WorkingDir: config.workdir || "/",
    Entrypoint: config.entrypoint.length === 0 ? null : config.entrypoint,
    OnBuild: null,
    Labels: goMap(config.labels),
    Annotations: goMap(inspectAnnotations(config)),
    StopSignal: signalName(config.stopSignal),
    ...(config.health === undefined ? {} : inspectHealth(config.health)),
    HealthcheckOnFailureAction: config.health?.onFailure ?? "none",
    HealthLogDestination: logDestination(config.health),
    HealthMaxLogCount: config.health?.log?.count ?? HEALTH_DEFAULTS.logCount,
    HealthMaxLogSize: config.health?.log?.size ?? HEALTH_DEFAULTS.logSize,
    CreateCommand: config.createCommand,
    Timezone: config.timezone ?? "",
    SystemdMode: config.systemd === "always",
    Umask: config.umask,
    ...(config.secrets.length === 0
      ? {}
      : {
          Secrets: config.secrets.map(({ name, uid, gid, mode }) => ({
            Name: name,
            ID: "",
            UID: uid,
            GID: gid,
            Mode: mode,
          })),
        }),
    Timeout: config.timeout,
    StopTimeout: config.stopTimeout,
    Passwd: true,
    sdNotifyMode: config.sdnotify,
    sdNotifySocket: config.sdnotifySocket ?? "",
  };
}

/** The options asked for and podman's, which hold unless their opposites were asked for. */
function tmpfsWords(options: readonly string[]): string {
  const opposites = {
    rprivate: /^r?(private|shared|slave|unbindable)$/,
    nosuid: /^suid$/,
    nodev: /^dev$/,
    tmpcopyup: /^notmpcopyup$/,
  };
  const own = options.filter((option) => option !== "rw" && !Object.hasOwn(opposites, option));
  const given = Object.entries(opposites).filter(
    ([, opposite]) => !own.some((option) => opposite.test(option)),
  );
  return [...own, ...given.map(([option]) => option)].join(",");
}

function inspectAnnotations(config: ContainerConfig): Record<string, string> {
  return {
    ...config.annotations,
    ...(config.autoRemove ? { "io.podman.annotations.autoremove": "TRUE" } : {}),
  };
}

function logDestination(health: ContainerConfig["health"]): string {
  return health?.log?.directory ?? (health?.log?.inEvents === true ? "events_logger" : "local");
}

function inspectHealth(health: NonNullable<ContainerConfig["health"]>) {
  const { startup } = health;
  return {
    Healthcheck: {
      Test: health.test,
      StartPeriod: health.startPeriodNs ?? HEALTH_DEFAULTS.startPeriodNs,
      ...(health.startIntervalNs === undefined ? {} : { StartInterval: health.startIntervalNs }),
      Interval: health.intervalNs ?? HEALTH_DEFAULTS.intervalNs,
      Timeout: health.timeoutNs ?? HEALTH_DEFAULTS.timeoutNs,
      Retries: health.retries ?? HEALTH_DEFAULTS.retries,
    },
    ...(startup === undefined
      ? {}
      : {
          StartupHealthCheck: {
            Test: startup.test,
            Interval: startup.intervalNs,
            Timeout: startup.timeoutNs,
            Retries: startup.retries,
            Successes: startup.successes,
          },
        }),
  };
}

/** `HostConfig`. */
export function inspectHostConfig(ctx: Context, config: ContainerConfig, limits: readonly SpecRlimit[]) {
  const binds = config.mounts.filter((mount) => mount.type === "bind" || mount.type === "volume");
  const tmpfs = config.mounts.filter((mount) => mount.type === "tmpfs");
  return {
    Binds: binds.map((mount) =>
      [mount.source ?? "", mount.destination, mount.options.join(",")]
        .filter((word) => word !== "")
        .join(":"),
    ),
    CgroupManager: cgroupManager(ctx, config),
    CgroupMode: config.namespaces.cgroup,
    ContainerIDFile: config.cidFile ?? "",
    LogConfig: {
      Type: config.log.driver,
      Config: null,
      Path: config.log.path,
      Tag: config.log.tag ?? "",
      Size: humanSize(config.log.maxBytes),
    },
    NetworkMode: config.network.mode,
    PortBindings: portBindings(config.network.ports),
    RestartPolicy: { Name: config.restart.policy, MaximumRetryCount: config.restart.retries },
    AutoRemove: config.autoRemove,
    AutoRemoveImage: config.removeImage,
    Annotations: goMap(inspectAnnotations(config)),
    VolumeDriver: "",
    VolumesFrom: null,
    CapAdd: config.capAdd,
    CapDrop: config.capDrop,
    Dns: config.network.dns,
    DnsOptions: config.network.dnsOptions,
    DnsSearch: config.network.dnsSearch,
    ExtraHosts: config.network.addHosts,
    HostsFile: config.network.hostsFile ?? "",
    GroupAdd: config.groupAdd,
    IpcMode: config.namespaces.ipc,
    Cgroup: "",
    Cgroups: config.cgroups === "disabled" ? "disabled" : "default",
    Links: null,
    OomScoreAdj: config.oomScoreAdj ?? 0,
    PidMode: config.namespaces.pid,
    Privileged: config.privileged,
    PublishAllPorts: config.network.publishAll,
    ReadonlyRootfs: config.readOnly,
    SecurityOpt: config.securityOpt,
    Tmpfs: goMap(Object.fromEntries(tmpfs.map((mount) => [mount.destination, tmpfsWords(mount.options)]))),
    UTSMode: config.namespaces.uts,
    UsernsMode: userMode(config),
    ShmSize: config.shmSize,
    Runtime: "oci",
    ConsoleSize: [0, 0],
    Isolation: "",
    ...inspectResources(config),
    CgroupParent: shownParent(ctx, config),
    Ulimits: limits.map(({ type, soft, hard }) => ({ Name: type, Soft: soft, Hard: hard })),
    CpuCount: 0,
    CpuPercent: 0,
    IOMaximumIOps: 0,
    IOMaximumBandwidth: 0,
    CgroupConf: null,
  };
}

function shownParent(ctx: Context, config: ContainerConfig): string {
  return config.cgroupParent ?? (cgroupManager(ctx, config) === "systemd" ? "user.slice" : "");
}

function inspectResources(config: ContainerConfig) {
  const number = (key: string) => Number(config.resources[key] ?? 0);
  const text = (key: string) => String(config.resources[key] ?? "");
  return {
    CpuShares: number("cpu-shares"),
    Memory: number("memory"),
    NanoCpus: Math.round(number("cpus") * 1e9),
    BlkioWeight: number("blkio-weight"),
    BlkioWeightDevice: null,
    BlkioDeviceReadBps: null,
    BlkioDeviceWriteBps: null,
    BlkioDeviceReadIOps: null,
    BlkioDeviceWriteIOps: null,
    CpuPeriod: number("cpu-period"),
    CpuQuota: number("cpu-quota"),
    CpuRealtimePeriod: number("cpu-rt-period"),
    CpuRealtimeRuntime: number("cpu-rt-runtime"),
    CpusetCpus: text("cpuset-cpus"),
    CpusetMems: text("cpuset-mems"),
    Devices: config.devices.map((device) => {
      const [host = "", inside = host, permissions = "rwm"] = device.split(":");
      return { PathOnHost: host, PathInContainer: inside, CgroupPermissions: permissions };
    }),
    DiskQuota: 0,
    KernelMemory: 0,
    MemoryReservation: number("memory-reservation"),
    MemorySwap: number("memory-swap"),
    MemorySwappiness: number("memory-swappiness"),
    OomKillDisable: false,
    Init: config.init,
    PidsLimit: number("pids-limit"),
  };
}

/** `80/tcp` to its bindings, as docker writes them. */
export function portBindings(
  ports: readonly PortMapping[],
): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of ports) {
    for (let offset = 0; offset < port.range; offset++) {
      const key = `${port.containerPort + offset}/${port.protocol}`;
      bindings[key] ??= [];
      bindings[key].push({
        HostIp: port.hostIp || "0.0.0.0",
        HostPort: String(port.hostPort === 0 ? 0 : port.hostPort + offset),
      });
    }
  }
  return bindings;
}

/** Go prints an empty map that was never made as null; podman's consumers expect it. */
export function goMap(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> | null {
  return Object.keys(map).length === 0 ? null : map;
}

/** podman says private of every container with ids of its own. */
function userMode({ ownIds, namespaces }: ContainerConfig): string {
  if (ownIds !== undefined) return "private";
  return namespaces.user === "host" ? "" : namespaces.user;
}
