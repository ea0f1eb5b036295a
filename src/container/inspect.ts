/** One container in the shape `podman inspect` prints. */
import { join } from "node:path";
import { sha256Hex } from "../base/index.ts";
import { cgroupMount, containerDir, containerRunDir } from "../host/index.ts";
import { effectiveCapabilities, effectiveLimits } from "../runtime/index.ts";
import type { ContainerRecord, Context, MountConfig } from "../state/index.ts";
import { cgroupOf } from "./cgroup-note.ts";
import { type Health, healthOf } from "./health.ts";
import { inspectConfig, inspectHostConfig } from "./inspect-config.ts";
import { inspectNetworkSettings } from "./inspect-network.ts";
import { broughtProcesses } from "./processes.ts";
import { type ContainerView, isLive, isRunning } from "./view.ts";
import { volumePaths } from "./volumes.ts";

const NEVER = "0001-01-01T00:00:00Z";

export interface InspectExtras {
  /** Bytes of the container's own layer; asked for with --size. */
  readonly sizeRw?: number;
  readonly sizeRootFs?: number;
}

/**
 * Of the processes that `exec` runs in it now, each named after itself. In the process namespace of somebody else they
 * cannot be told from what the container's own processes have left behind: there nothing is said.
 */
function execIds(ctx: Context, { record, status }: ContainerView): string[] {
  if (status.pid === 0 || record.config.namespaces.pid !== "private") return [];
  return broughtProcesses(status.pid, cgroupOf(ctx, record.id)?.processes).map(({ pid, start }) =>
    sha256Hex(`${record.id} ${pid} ${start}`),
  );
}

/** podman's inspection; what kelp has nothing of (labels of SELinux, locks) has podman's empty value. */
export function inspectContainer(ctx: Context, view: ContainerView, extras: InspectExtras = {}) {
  const { record, status } = view;
  const { config, id } = record;
  const directory = containerDir(ctx.paths, id);
  const command = [...config.entrypoint, ...config.command];
  const image = config.image === "" ? undefined : ctx.state.images.get(config.image);
  const capabilities = effectiveCapabilities(config);
  const file = (name: string) => join(directory, name);
  return {
    Id: id,
    Created: goTime(record.created),
    Path: command[0] ?? "",
    Args: command.slice(1),
    State: inspectState(ctx, view, healthOf(ctx, record)),
    Image: config.image,
    ImageDigest: image?.manifestDigest ?? "",
    ImageName: config.imageName,
    Rootfs: config.rootfs?.path ?? "",
    Pod: "",
    ResolvConfPath: file("resolv.conf"),
    HostnamePath: file("hostname"),
    HostsPath: file("hosts"),
    StaticDir: directory,
    OCIConfigPath: config.runtime === undefined ? "" : join(containerRunDir(ctx.paths, id), "config.json"),
    OCIRuntime: config.runtime?.name ?? "holdfast",
    ConmonPidFile: config.conmonPidFile ?? join(containerRunDir(ctx.paths, id), "monitor.pid"),
    PidFile: config.pidFile ?? join(containerRunDir(ctx.paths, id), "pid"),
    Name: record.name,
    RestartCount: status.restarts,
    Driver: config.storageDriver,
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    EffectiveCaps: capabilities.effective,
    BoundingCaps: capabilities.bounding,
    ExecIDs: execIds(ctx, view),
    GraphDriver: {
      Name: config.storageDriver,
      Data: { MergedDir: file("merged"), UpperDir: file("upper"), WorkDir: file("work") },
    },
    ...(extras.sizeRw === undefined ? {} : { SizeRw: extras.sizeRw }),
    ...(extras.sizeRootFs === undefined ? {} : { SizeRootFs: extras.sizeRootFs }),
    Mounts: inspectMounts(ctx, config.mounts),
    Dependencies: config.dependencies,
    NetworkSettings: inspectNetworkSettings(ctx, view),
    Namespace: "",
    IsInfra: false,
    IsService: false,
    KubeExitCodePropagation: "invalid",
    lockNumber: 0,
    Config: inspectConfig(record),
    HostConfig: inspectHostConfig(ctx, config, limitsOf(view)),
  };
}

/** A container that never ran has those it was asked for: the rest is decided by who starts it. */
function limitsOf({ record: { config }, status }: ContainerView) {
  const limits = effectiveLimits(config, status.pid);
  if (status.startedAt !== undefined) return limits;
  const asked = new Set(
    config.ulimits.map(({ name }) => `RLIMIT_${name.toUpperCase().replace("RLIMIT_", "")}`),
  );
  return limits.filter(({ type }) => asked.has(type));
}

function inspectState(ctx: Context, { record, status }: ContainerView, health: Health | undefined) {
  return {
    OciVersion: "1.2.0",
    Status: status.state,
    Running: isRunning(status),
    Paused: status.state === "paused",
    Restarting: status.state === "restarting",
    OOMKilled: status.oomKilled,
    Dead: false,
    Pid: status.pid,
    ConmonPid: status.monitorPid,
    ExitCode: status.exitCode,
    Error: "",
    StartedAt: status.startedAt === undefined ? NEVER : goTime(status.startedAt),
    FinishedAt: status.finishedAt === undefined ? NEVER : goTime(status.finishedAt),
    Health: {
      Status: health?.status ?? "",
      FailingStreak: health?.failing ?? 0,
      Log:
        health === undefined || health.log.length === 0
          ? null
          : health.log.map(({ start, end, exitCode, output }) => ({
              Start: goTime(start),
              End: goTime(end),
              ExitCode: exitCode,
              Output: output,
            })),
    },
    CgroupPath: isLive(status) ? shownCgroup(ctx, record) : "",
    CheckpointedAt: NEVER,
    RestoredAt: NEVER,
    StoppedByUser: status.stoppedByUser,
  };
}

/** From the root of the hierarchy, as /proc/PID/cgroup says it. */
function shownCgroup(ctx: Context, { id }: ContainerRecord): string {
  const path = cgroupOf(ctx, id)?.path ?? "";
  const mount = cgroupMount();
  return mount !== undefined && path.startsWith(`${mount}/`) ? path.slice(mount.length) : path;
}

function inspectMounts(ctx: Context, mounts: readonly MountConfig[]) {
  const volumes = volumePaths(ctx, mounts);
  return mounts
    .filter((mount) => mount.type === "bind" || mount.type === "volume")
    .map((mount) => {
      const name = mount.type === "volume" ? (mount.source ?? "") : "";
      const propagation = mount.options.find((option) =>
        /^r?(shared|slave|private|unbindable)$/.test(option),
      );
      return {
        Type: mount.type,
        ...(name === "" ? {} : { Name: name }),
        Source: mount.type === "volume" ? (volumes.get(name) ?? "") : (mount.source ?? ""),
        Destination: mount.destination,
        Driver: name === "" ? "" : "local",
        Mode: "",
        Options: mount.options.filter(
          (option) => option !== propagation && option !== "ro" && option !== "rw",
        ),
        RW: !mount.options.includes("ro"),
        Propagation: propagation ?? "rprivate",
      };
    });
}

/** RFC 3339 with nine digits, in UTC. */
export function goTime(milliseconds: number): string {
  const whole = new Date(milliseconds).toISOString().slice(0, -1);
  const micros = Math.round((milliseconds % 1) * 1e6);
  return `${whole}${String(micros).padStart(6, "0")}Z`;
}
