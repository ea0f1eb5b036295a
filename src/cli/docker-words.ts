/**
 * Names that templates written for docker ask for: `docker info -f '{{.ServerVersion}}'`. They are no part of what JSON
 * prints, which has podman's shape.
 */
import type { VersionReport } from "./version.ts";

/** docker has a client and a server; here both are the same program. */
export function withServer<T extends { readonly Client: VersionReport }>(report: T): T {
  const { Client } = report;
  const [, Arch] = Client.OsArch.split("/");
  return hidden(report, { Server: { ...Client, Arch, KernelVersion: "" } });
}

interface Report {
  readonly host: Readonly<Record<string, unknown>>;
  readonly store: Readonly<Record<string, unknown>>;
  readonly version: VersionReport;
}

interface Counts {
  readonly number: number;
  readonly paused: number;
  readonly running: number;
  readonly stopped: number;
}

const MACHINES: Readonly<Record<string, string>> = { amd64: "x86_64", arm64: "aarch64" };

export function withDockerInfo<T extends Report>(report: T): T {
  const { host, store, version } = report;
  const containers = store.containerStore as Counts;
  return hidden(report, {
    Architecture: MACHINES[String(host.arch)] ?? host.arch,
    CgroupDriver: host.cgroupManager,
    CgroupVersion: String(host.cgroupVersion).replace("v", ""),
    Containers: containers.number,
    ContainersPaused: containers.paused,
    ContainersRunning: containers.running,
    ContainersStopped: containers.stopped,
    DockerRootDir: store.graphRoot,
    Driver: store.graphDriverName,
    Images: (store.imageStore as { readonly number: number }).number,
    KernelVersion: host.kernel,
    LoggingDriver: host.logDriver,
    MemTotal: host.memTotal,
    Name: host.hostname,
    NCPU: host.cpus,
    OSType: host.os,
    SecurityOptions: ["name=seccomp,profile=builtin", "name=rootless"],
    ServerVersion: version.Version,
    Swarm: { LocalNodeState: "inactive" },
  });
}

function hidden<T extends object>(report: T, fields: Readonly<Record<string, unknown>>): T {
  for (const [name, value] of Object.entries(fields)) Object.defineProperty(report, name, { value });
  return report;
}
