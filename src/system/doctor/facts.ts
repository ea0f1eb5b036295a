/** What the checks of `kelp doctor` are decided by: plain values, so that every finding can be tried with invented ones. */
import type { Emulation } from "../../container/index.ts";
import type { HostFacts } from "../../host/index.ts";
import type { DriverName } from "../../storage/index.ts";

/** Distributions by how software is installed there. */
export type Family = "debian" | "fedora" | "arch" | "alpine" | "suse" | "other";

/** A device file as this user finds it. */
export type DeviceState = "ok" | "missing" | "denied";

export interface MountFacts {
  readonly path: string;
  /** ext4, xfs, nfs4, tmpfs, … */
  readonly type: string;
  /** noexec, nosuid, nodev, ro. */
  readonly flags: readonly string[];
}

export interface ProgramFacts {
  readonly path: string;
  /** As it says itself; empty if it does not. */
  readonly version: string;
}

export interface DoctorFacts {
  readonly family: Family;
  readonly uid: number;
  readonly userName: string;
  readonly kernel: string;
  readonly probe: HostFacts;
  readonly ids: {
    /** How many a container can have. */
    readonly count: number;
    /** Why only one, for people. */
    readonly reason: string | undefined;
    readonly ranges: { readonly uid: boolean; readonly gid: boolean };
    /** From here on ids belong to nobody. */
    readonly freeFrom: number;
    /** newuidmap and newgidmap: absent, or without the privilege to do their work. */
    readonly helpers: "ok" | "missing" | "unprivileged";
    readonly noNewPrivileges: boolean;
  };
  readonly devices: { readonly fuse: DeviceState; readonly tun: DeviceState };
  /** By name; undefined: not installed. */
  readonly programs: {
    readonly aardvarkDns: ProgramFacts | undefined;
    readonly slirp4netns: ProgramFacts | undefined;
    /** `serves`: new enough to be the uplink of the shared network. */
    readonly pasta: (ProgramFacts & { readonly serves: boolean }) | undefined;
    readonly fuseOverlayfs: ProgramFacts | undefined;
  };
  readonly libseccomp: boolean;
  readonly emulation: Emulation;
  readonly cgroup: {
    /** Whether the one hierarchy of version 2 is mounted where programs look for it. */
    readonly unified: boolean;
    /** Who makes containers' groups; undefined: nobody can. */
    readonly manager: "systemd" | "cgroupfs" | undefined;
    readonly controllers: readonly string[];
  };
  readonly session: {
    /** The machine was booted by systemd. */
    readonly systemd: boolean;
    /** The user's own systemd runs and can be asked. */
    readonly manager: boolean;
    readonly lingers: boolean;
    /** What an interested user types for that. */
    readonly lingerCommand: string;
    readonly runtimeDirectory: { readonly path: string; readonly isUsual: boolean };
  };
  readonly store: MountFacts & {
    readonly freeBytes: number;
    readonly freeFiles: number;
    /** Undefined: the one that is set cannot work here. */
    readonly driver: DriverName | undefined;
  };
  /** Where holdfast is unpacked to. */
  readonly cache: MountFacts;
  readonly firstPort: number;
  /** Groups that may open ping sockets, first and last. */
  readonly pingGroups: readonly [number, number];
  readonly inotify: { readonly instances: number; readonly watches: number };
  readonly keys: { readonly used: number; readonly most: number };
  /** Descriptors that a process may be allowed. */
  readonly openFiles: number;
  /** Seconds since the epoch: the clock's, and when this kelp was made. */
  readonly clock: { readonly now: number; readonly built: number };
}
