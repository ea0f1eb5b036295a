import type { FoundImage, PullPolicy, wantedPlatform } from "../image/index.ts";
import type { ImageConfig, ImageRunConfig } from "../oci/index.ts";

/**
 * What `create` and `run` are asked for, under the flags' own names, as the command line has read them.
 * Every field is optional so that programs can ask for less.
 */
export interface CreateOptions {
  readonly "add-host"?: readonly string[];
  readonly annotation?: readonly string[];
  readonly "cap-add"?: readonly string[];
  readonly "cap-drop"?: readonly string[];
  readonly "cgroup-parent"?: string | undefined;
  readonly cgroupns?: string | undefined;
  readonly cgroups?: string | undefined;
  readonly cidfile?: string | undefined;
  readonly "conmon-pidfile"?: string | undefined;
  readonly device?: readonly string[];
  readonly "device-cgroup-rule"?: readonly string[];
  readonly dns?: readonly string[];
  readonly "dns-option"?: readonly string[];
  readonly "dns-search"?: readonly string[];
  readonly entrypoint?: string | undefined;
  readonly env?: readonly string[];
  readonly "env-file"?: readonly string[];
  readonly "env-host"?: boolean;
  readonly "env-merge"?: readonly string[];
  readonly expose?: readonly string[];
  readonly ip?: string | undefined;
  readonly ip6?: string | undefined;
  readonly "mac-address"?: string | undefined;
  readonly "group-add"?: readonly string[];
  readonly "group-entry"?: string | undefined;
  readonly hostuser?: readonly string[];
  readonly passwd?: boolean;
  readonly "passwd-entry"?: string | undefined;
  readonly "health-cmd"?: string | undefined;
  readonly "health-interval"?: string | undefined;
  readonly "health-retries"?: number | undefined;
  readonly "health-start-period"?: string | undefined;
  readonly "health-timeout"?: string | undefined;
  readonly "hosts-file"?: string | undefined;
  readonly hostname?: string | undefined;
  readonly "http-proxy"?: boolean;
  readonly "image-volume"?: string | undefined;
  readonly explain?: boolean;
  readonly init?: boolean;
  readonly interactive?: boolean;
  readonly ipc?: string | undefined;
  readonly "kernel-memory"?: string | undefined;
  readonly label?: readonly string[];
  readonly "label-file"?: readonly string[];
  readonly "log-driver"?: string | undefined;
  readonly "log-opt"?: readonly string[];
  readonly mount?: readonly string[];
  readonly name?: string | undefined;
  readonly network?: readonly string[];
  readonly "network-alias"?: readonly string[];
  readonly "no-healthcheck"?: boolean;
  readonly "no-hostname"?: boolean;
  readonly "no-hosts"?: boolean;
  readonly "oom-score-adj"?: number | undefined;
  readonly pid?: string | undefined;
  readonly pidfile?: string | undefined;
  readonly privileged?: boolean;
  readonly publish?: readonly string[];
  readonly "publish-all"?: boolean;
  readonly arch?: string | undefined;
  readonly os?: string | undefined;
  readonly platform?: string | undefined;
  readonly pull?: string | undefined;
  readonly "read-only"?: boolean;
  readonly "read-only-tmpfs"?: boolean;
  readonly replace?: boolean;
  readonly restart?: string | undefined;
  readonly rm?: boolean;
  readonly rmi?: boolean;
  readonly rootfs?: boolean;
  readonly sdnotify?: string | undefined;
  readonly secret?: readonly string[];
  readonly "security-opt"?: readonly string[];
  readonly "shm-size"?: number | string | undefined;
  readonly "shm-size-systemd"?: number | string | undefined;
  readonly "stop-signal"?: string | undefined;
  readonly "stop-timeout"?: number | undefined;
  readonly sysctl?: readonly string[];
  readonly systemd?: string | undefined;
  readonly timeout?: number | undefined;
  readonly tmpfs?: readonly string[];
  readonly tty?: boolean;
  readonly tz?: string | undefined;
  readonly gidmap?: readonly string[];
  readonly subgidname?: string | undefined;
  readonly subuidname?: string | undefined;
  readonly uidmap?: readonly string[];
  readonly ulimit?: readonly string[];
  readonly umask?: string | undefined;
  readonly unsetenv?: readonly string[];
  readonly "unsetenv-all"?: boolean;
  readonly user?: string | undefined;
  readonly userns?: string | undefined;
  readonly uts?: string | undefined;
  readonly variant?: string | undefined;
  readonly volume?: readonly string[];
  readonly "volumes-from"?: readonly string[];
  readonly workdir?: string | undefined;
  /** Limits (memory, cpus, pids-limit, …) travel under their own names. */
  readonly [name: string]: unknown;
}

export interface CreateRequest {
  /** The image's name, or the directory with --rootfs. */
  readonly image: string;
  /** What follows it on the command line. */
  readonly command: readonly string[];
  readonly options: CreateOptions;
  /** A step of a build: the layers it runs on (rows, lowest first) and their configuration, instead of an image's. */
  readonly step?: Pick<ImageConfig, "architecture"> & {
    readonly layers: readonly number[];
    readonly run: ImageRunConfig;
  };
  /** Volumes that there are already for mounts without a name, by destination: the container is made anew. */
  readonly unnamedVolumes?: ReadonlyMap<string, string>;
  /** Flags given explicitly; others may be overruled by the settings. */
  readonly given: ReadonlySet<string>;
  /** The whole command line, for inspection. */
  readonly argv: readonly string[];
  /** The caller's environment and working directory. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Gets an image from a registry; without it only what is in the store is found. */
  fetch?(image: string, policy: PullPolicy, platform: ReturnType<typeof wantedPlatform>): Promise<FoundImage>;
  /** The caller starts the container at once: with --rm it goes if the caller is killed before. */
  readonly starts?: boolean;
}
