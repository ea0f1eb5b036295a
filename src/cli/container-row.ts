/** A container as a row of `ps`: podman's template fields, and podman's JSON. */
import { ago, humanDuration, humanSize } from "../base/index.ts";
import { type ContainerView, fullCommand, isRunning } from "../container/index.ts";
import { exposedPorts, portText } from "./port-text.ts";

export interface RowOptions {
  readonly noTrunc: boolean;
  readonly now: number;
  /** Bytes of the container's own layer and of everything; asked for with --size. */
  readonly size?: (view: ContainerView) => { readonly own: number; readonly total: number };
  /** Inode numbers of its namespaces; asked for with --ns. */
  readonly namespaces?: (view: ContainerView) => Readonly<Record<string, string>>;
}

const COMMAND_WIDTH = 17;
const ID_WIDTH = 12;

/** Words about a container's life: `Up 5 seconds`, `Exited (0) 2 hours ago`, `Created`. */
export function statusText({ status }: ContainerView, now: number): string {
  if (status.state === "restarting")
    return `Restarting (${status.exitCode}) ${ago(status.finishedAt ?? now, now)}`;
  if (isRunning(status)) {
    const up = `Up ${humanDuration(now - (status.startedAt ?? now))}`;
    if (status.state === "paused") return "Paused";
    if (status.state === "stopping") return "Stopping";
    return status.health === "" ? up : `${up} (${status.health})`;
  }
  if (status.state === "exited") return `Exited (${status.exitCode}) ${ago(status.finishedAt ?? now, now)}`;
  return status.state === "initialized" ? "Initialized" : "Created";
}

/** The fields a --format template may name. */
export function containerRow(view: ContainerView, options: RowOptions) {
  const { record, status } = view;
  const { config, id } = record;
  const command = fullCommand(config).join(" ");
  const short = command.length > COMMAND_WIDTH ? `${command.slice(0, COMMAND_WIDTH)}...` : command;
  const namespaces = options.namespaces?.(view) ?? {};
  const human = ago(record.created, options.now);
  return {
    AutoRemove: config.autoRemove,
    CIDFile: config.cidFile ?? "",
    Command: options.noTrunc ? command : short,
    Created: new Date(record.created),
    // A getter: the first look at the local time zone takes 4 ms.
    get CreatedAt() {
      return goTimeText(record.created);
    },
    CreatedHuman: human,
    ExitCode: status.exitCode,
    Exited: status.state === "exited",
    ExitedAt: unix(status.finishedAt),
    ExposedPorts: exposedPorts(record),
    ID: options.noTrunc ? id : id.slice(0, ID_WIDTH),
    Image: config.imageName || config.rootfs?.path || config.rawImageName,
    ImageID: options.noTrunc ? config.image : config.image.slice(0, ID_WIDTH),
    IsInfra: false,
    Labels: Object.entries(config.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
    Label: (key: string) => config.labels[key] ?? "",
    Mounts: mountNames(view)
      .map((name) => (options.noTrunc || name.length <= 12 ? name : `${name.slice(0, 12)}...`))
      .join(","),
    Names: record.name,
    Namespaces: namespaces,
    Networks: config.network.networks.map((network) => network.name).join(","),
    Pid: status.pid,
    Pod: "",
    PodName: "",
    Ports: portText(record),
    Restarts: status.restarts,
    RunningFor: human,
    Size: options.size === undefined ? "" : sizeText(options.size(view)),
    StartedAt: unix(status.startedAt),
    State: status.state,
    Status: statusText(view, options.now),
    CGROUPNS: namespaces.cgroup ?? "",
    IPC: namespaces.ipc ?? "",
    MNT: namespaces.mnt ?? "",
    NET: namespaces.net ?? "",
    PIDNS: namespaces.pid ?? "",
    USERNS: namespaces.user ?? "",
    UTS: namespaces.uts ?? "",
  };
}

export type ContainerRow = ReturnType<typeof containerRow>;

/** One element of `ps --format json`. */
export function containerJson(view: ContainerView, options: RowOptions) {
  const { record, status } = view;
  const { config } = record;
  const size = options.size?.(view);
  return {
    AutoRemove: config.autoRemove,
    Command: fullCommand(config),
    CreatedAt: ago(record.created, options.now),
    CIDFile: config.cidFile ?? "",
    Exited: status.state === "exited",
    ExitedAt: unix(status.finishedAt),
    ExitCode: status.exitCode,
    ExposedPorts: config.network.exposed === undefined ? null : Object.fromEntries(exposedPorts(record)),
    Id: record.id,
    Image: config.imageName || config.rootfs?.path || config.rawImageName,
    ImageID: config.image,
    IsInfra: false,
    Labels: Object.keys(config.labels).length === 0 ? null : config.labels,
    Mounts: mountNames(view),
    Names: [record.name],
    Namespaces: options.namespaces?.(view) ?? {},
    Networks: config.network.networks.map((network) => network.name),
    Pid: status.pid,
    Pod: "",
    PodName: "",
    Ports:
      config.network.ports.length === 0
        ? null
        : config.network.ports.map((port) => ({
            host_ip: port.hostIp,
            container_port: port.containerPort,
            host_port: port.hostPort,
            range: port.range,
            protocol: port.protocol,
          })),
    Restarts: status.restarts,
    Size: size === undefined ? null : { rootFsSize: size.total, rwSize: size.own },
    StartedAt: unix(status.startedAt),
    State: status.state,
    Status: statusText(view, options.now),
    Created: Math.floor(record.created / 1000),
  };
}

/** Go's zero time, as podman prints it for what never happened. */
const ZERO_TIME = -62135596800;

function unix(milliseconds: number | undefined): number {
  return milliseconds === undefined ? ZERO_TIME : Math.floor(milliseconds / 1000);
}

/** Go's String() of a time. */
function goTimeText(milliseconds: number): string {
  const date = new Date(milliseconds);
  const offset = -date.getTimezoneOffset();
  const local = new Date(milliseconds + offset * 60_000).toISOString().slice(0, 23).replace("T", " ");
  const sign = offset < 0 ? "-" : "+";
  const hours = String(Math.floor(Math.abs(offset) / 60)).padStart(2, "0");
  const minutes = String(Math.abs(offset) % 60).padStart(2, "0");
  const zone = offset === 0 ? "UTC" : `${sign}${hours}`;
  return `${local.replace(/\.?0*$/, "")} ${sign}${hours}${minutes} ${zone}`;
}

function mountNames({ record }: ContainerView): string[] {
  return record.config.mounts
    .filter((mount) => mount.type === "bind" || mount.type === "volume")
    .map((mount) => mount.destination);
}

function sizeText({ own, total }: { readonly own: number; readonly total: number }): string {
  return `${humanSize(own)} (virtual ${humanSize(total)})`;
}
