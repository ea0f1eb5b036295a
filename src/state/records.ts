/**
 * What the database keeps, as plain values. Rows hold what is asked for in queries as columns
 * and the rest as JSON of these types; a change of shape is a migration (schema.ts).
 *
 * Times are milliseconds since the epoch unless a name says otherwise; sizes are bytes.
 */

/** A bind, tmpfs or (later) volume or image mount, as resolved from --volume, --mount, --tmpfs and the image's VOLUMEs. */
export interface MountConfig {
  readonly type: "bind" | "tmpfs" | "volume" | "image" | "devpts";
  /** Absolute host path (bind), volume name (volume), image ID (image); absent for tmpfs. */
  readonly source?: string;
  /** Absolute path inside the container, cleaned. */
  readonly destination: string;
  /** Remaining options in podman's words: ro, rw, rbind, rprivate, U, O, size=…, noexec, … */
  readonly options: readonly string[];
  /** The flag it comes from, for --explain and error messages. */
  readonly origin?: string;
}

export interface UlimitConfig {
  readonly name: string;
  /** -1 is unlimited. */
  readonly soft: number;
  readonly hard: number;
}

export interface HealthConfig {
  readonly test: readonly string[];
  readonly intervalNs?: number;
  readonly timeoutNs?: number;
  readonly startPeriodNs?: number;
  /** Between checks in the start period; absent: as ever. */
  readonly startIntervalNs?: number;
  readonly retries?: number;
  /** What is done once it is unhealthy; absent: nothing. */
  readonly onFailure?: "none" | "kill" | "restart" | "stop";
  /** A check that has to succeed before the other one begins. */
  readonly startup?: {
    readonly test: readonly string[];
    readonly intervalNs: number;
    readonly timeoutNs: number;
    /** Failures after which the container is started again; 0: never. */
    readonly retries: number;
    /** Successes in a row that are enough; 0 and 1 mean the same. */
    readonly successes: number;
  };
  /** How many results are kept, how much of their output (0: all), where, if not with the container, and whether events tell them too. */
  readonly log?: {
    readonly count: number;
    readonly size: number;
    readonly directory?: string;
    readonly inEvents?: boolean;
  };
}

export interface LogConfig {
  readonly driver: "k8s-file" | "json-file" | "none" | "passthrough" | "passthrough-tty" | "journald";
  /** Absolute; empty for drivers without a file. */
  readonly path: string;
  /** 0: never rotated. */
  readonly maxBytes: number;
  /** Files of a rotated log, the present one among them; absent: 2. */
  readonly maxFiles?: number;
  /** What entries in the journal are found by instead of the container's name. */
  readonly tag?: string;
  /** Further fields of entries in the journal. */
  readonly labels?: Readonly<Record<string, string>>;
}

export interface NetworkConfig {
  /** none, host, bridge (then `networks` says which), private (loopback only), container:ID, ns:PATH. */
  readonly mode: string;
  readonly networks: readonly NetworkAttachment[];
  readonly ports: readonly PortMapping[];
  readonly publishAll: boolean;
  /** `80/tcp`: what the image and --expose say the container listens on. */
  readonly exposed?: readonly string[];
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly dnsOptions: readonly string[];
  /** `host:ip` lines. */
  readonly addHosts: readonly string[];
  readonly noHosts: boolean;
  readonly noHostname: boolean;
  readonly hostsFile?: string;
}

export interface NetworkAttachment {
  readonly name: string;
  readonly ip?: string;
  readonly ip6?: string;
  readonly mac?: string;
  readonly aliases: readonly string[];
  readonly interfaceName?: string;
}

export interface PortMapping {
  readonly hostIp: string;
  /** 0 until one was chosen. */
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp" | "sctp";
  /** Length of the range, 1 for a single port. */
  readonly range: number;
}

/** Who tells the service manager that the container is ready: podman's words. */
export type SdNotifyMode = "container" | "conmon" | "healthy" | "ignore";

/** Everything `create` decided about a container; immutable but for rename and update. */
export interface ContainerConfig {
  /** Image ID (64 hex digits), or empty with `rootfs`. */
  readonly image: string;
  /** The image's name as resolved (`docker.io/library/x:latest`), for ps and inspect. */
  readonly imageName: string;
  /** The user's own words for the image. */
  readonly rawImageName: string;
  readonly rootfs?: { readonly path: string; readonly overlay: boolean };
  /** A step of a build: rows of the layers it runs on, lowest first, which are no image's yet. `image` is empty. */
  readonly layers?: readonly number[];
  /** The image's architecture, where it is not this machine's. */
  readonly architecture?: string;
  readonly storageDriver: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** `NAME=value`, final, in the order the process gets them. */
  readonly env: readonly string[];
  readonly workdir: string;
  readonly user: string;
  readonly groupAdd: readonly string[];
  /** What is added to the container's /etc/passwd and /etc/group beyond the process's own user; `none`: nothing at all. */
  readonly userLines?: {
    readonly none?: boolean;
    readonly passwdEntry?: string;
    readonly groupEntry?: string;
    readonly hostUsers?: readonly string[];
  };
  readonly umask: string;
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly tty: boolean;
  readonly openStdin: boolean;
  readonly stdinOnce: boolean;
  readonly autoRemove: boolean;
  readonly removeImage: boolean;
  readonly init: boolean;
  readonly readOnly: boolean;
  readonly readOnlyTmpfs: boolean;
  readonly shmSize: number;
  /** Of each filesystem that systemd gets; absent: the kernel's default. */
  readonly shmSizeSystemd?: number;
  readonly mounts: readonly MountConfig[];
  /** Paths of the image's VOLUMEs that got an anonymous volume. */
  readonly imageVolumes: readonly string[];
  readonly privileged: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly securityOpt: readonly string[];
  readonly devices: readonly string[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly ulimits: readonly UlimitConfig[];
  readonly oomScoreAdj?: number;
  readonly timezone?: string;
  readonly systemd: string;
  /** Namespace modes in podman's words: private, host, container:ID, ns:PATH, shareable, none. */
  readonly namespaces: {
    readonly pid: string;
    readonly ipc: string;
    readonly uts: string;
    readonly cgroup: string;
    readonly user: string;
  };
  /** Its ids in a user namespace of its own (--userns keep-id, nomap, auto, --uidmap); `host` is an id of the base namespace. */
  readonly ownIds?: {
    readonly uid: readonly { readonly container: number; readonly host: number; readonly size: number }[];
    readonly gid: readonly { readonly container: number; readonly host: number; readonly size: number }[];
  };
  /** An OCI runtime that makes it instead of holdfast, with flags for each call of it. */
  readonly runtime?: { readonly name: string; readonly path: string; readonly flags: readonly string[] };
  readonly network: NetworkConfig;
  readonly cgroups: string;
  /** If one was asked for; else each start finds out. */
  readonly cgroupManager?: "systemd" | "cgroupfs";
  readonly cgroupParent?: string;
  readonly resources: Readonly<Record<string, number | string>>;
  readonly log: LogConfig;
  readonly stopSignal: number;
  /** Seconds. */
  readonly stopTimeout: number;
  /** Seconds after which a running container is killed; 0: never. */
  readonly timeout: number;
  readonly restart: {
    readonly policy: "no" | "on-failure" | "always" | "unless-stopped";
    readonly retries: number;
  };
  readonly health?: HealthConfig;
  readonly pidFile?: string;
  readonly conmonPidFile?: string;
  readonly cidFile?: string;
  readonly secrets: readonly {
    readonly name: string;
    readonly target: string;
    readonly type: "mount" | "env";
    readonly uid: number;
    readonly gid: number;
    readonly mode: number;
  }[];
  readonly sdnotify: SdNotifyMode;
  /** The manager's socket that `create` saw, for inspection. */
  readonly sdnotifySocket?: string;
  readonly dependencies: readonly string[];
  /** `PID START BOOT` of the `run --rm` it is made for: a container that never ran goes with that process. */
  readonly creator?: string;
  readonly createCommand: readonly string[];
}

export interface ContainerRecord {
  readonly id: string;
  readonly name: string;
  readonly created: number;
  readonly config: ContainerConfig;
}

/** An image: its config blob's digest is its ID. */
export interface ImageRecord {
  /** 64 hex digits. */
  readonly id: string;
  readonly manifestDigest: string;
  readonly created: number;
  /** Sum of the unpacked layers. */
  readonly size: number;
  readonly names: readonly string[];
  /** Those it has no longer, the last one first. */
  readonly formerNames: readonly string[];
  /** Digests this image is known by (`sha256:…`): its manifest, and those of indexes it came from. */
  readonly digests: readonly string[];
  /** `name@digest` pairs it was really fetched or loaded with. */
  readonly repoDigests: readonly string[];
  /** Layer row ids, lowest first. */
  readonly layers: readonly number[];
  /** The OCI image config, verbatim. */
  readonly configJson: string;
  readonly readOnly: boolean;
}

/** An unpacked layer; its directory is `layers/ROWID` (short, because overlay's option string is). */
export interface LayerRecord {
  readonly row: number;
  readonly diffId: string;
  readonly chainId: string;
  readonly parent?: number;
  /** Digest of the compressed blob it came from, if one is kept or known. */
  readonly blob?: string;
  readonly size: number;
}

export interface VolumeRecord {
  readonly name: string;
  readonly created: number;
  readonly driver: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  readonly anonymous: boolean;
  readonly mountpoint: string;
}

/**
 * Where a container's root filesystem comes from, decided by storage, mounted by runtime.
 *   overlay    native overlay: `layersDir` is the working directory of the mount, `lower` names beneath it (topmost first)
 *   fuse       the same through the fuse-overlayfs program, mounted at `merged` before the first process exists
 *   directory  a plain directory: --rootfs, or the copy of the vfs driver
 */
export type RootfsSource =
  | {
      readonly kind: "overlay";
      readonly layersDir: string;
      readonly lower: readonly string[];
      /** Layers that only hold the content of files in `lower`. */
      readonly data?: readonly string[];
      readonly upper: string;
      readonly work: string;
      readonly merged: string;
      readonly options: readonly string[];
    }
  | {
      readonly kind: "fuse";
      readonly program: string;
      readonly layersDir: string;
      readonly lower: readonly string[];
      readonly upper: string;
      readonly work: string;
      readonly merged: string;
      readonly options: readonly string[];
    }
  | { readonly kind: "directory"; readonly path: string; readonly merged: string };
