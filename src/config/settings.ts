/** What can be set, what it is if nobody sets it, and who set it. */

export interface SettingValues {
  /** Where images and containers are kept; empty: the usual place. */
  readonly root: string;
  /** Where the state of running containers is kept; empty: the usual place. */
  readonly runroot: string;
  /** Messages of this level and above are printed. */
  readonly logLevel: string;
  /** Results are not printed. */
  readonly noout: boolean;
  /** Who makes control groups: systemd, cgroupfs (kelp itself); empty: systemd where the user has one. */
  readonly cgroupManager: string;
  /** The uplink's program; empty: slirp4netns, wherever it is. */
  readonly networkCmdPath: string;
  /** overlay, fuse-overlayfs or vfs; empty: the best that works here. */
  readonly storageDriver: string;
  readonly storageOpts: readonly string[];
  /** Where new volumes are made; empty: beneath the store's directory. */
  readonly volumePath: string;
  /** Default of --network: private, host, none, …; empty: kelp's own choice. */
  readonly network: string;
  readonly dnsServers: readonly string[];
  readonly dnsSearches: readonly string[];
  readonly dnsOptions: readonly string[];
  /** Base of a container's /etc/hosts: a path, `none`, `image`, or empty for the host's own. */
  readonly baseHostsFile: string;
  readonly noHosts: boolean;
  /** What host.containers.internal means in containers; empty: the host's own address. */
  readonly hostContainersInternalIp: string;
  /** Where ports are published if no address is given; empty: everywhere. */
  readonly defaultHostIps: readonly string[];
  /** Exported to every container, `NAME=value`. */
  readonly env: readonly string[];
  readonly envHost: boolean;
  readonly httpProxy: boolean;
  readonly capabilities: readonly string[] | undefined;
  readonly sysctls: readonly string[];
  readonly ulimits: readonly string[];
  readonly devices: readonly string[];
  readonly volumes: readonly string[];
  /** Default of --image-volume. */
  readonly imageVolumeMode: string;
  readonly mounts: readonly string[];
  readonly annotations: readonly string[];
  readonly labels: readonly string[];
  /** Path of a seccomp profile; undefined: the built-in one. */
  readonly seccompProfile: string | undefined;
  readonly init: boolean;
  readonly privileged: boolean;
  readonly readOnly: boolean;
  readonly logDriver: string;
  readonly logPath: string;
  readonly logTag: string;
  /** Bytes after which a log is rotated; 0 or less: never. */
  readonly logSizeMax: number;
  /** 0 or less: no limit. */
  readonly pidsLimit: number;
  readonly shmSize: number;
  readonly oomScoreAdj: number | undefined;
  readonly tz: string;
  readonly umask: string;
  readonly ipcNamespace: string;
  readonly pidNamespace: string;
  readonly utsNamespace: string;
  readonly cgroupNamespace: string;
  readonly userNamespace: string;
  readonly cgroups: string;
  /** `FILE=VALUE` for every container's control group. */
  readonly cgroupConf: readonly string[];
  /** A container that gets no other hostname is called as its name. */
  readonly nameAsHostname: boolean;
  /** Seconds. */
  readonly stopTimeout: number;
  readonly detachKeys: string;
  /** Where events are written down: file, or none. */
  readonly eventsLogger: string;
  /** Their file; empty: in the store. */
  readonly eventsLogPath: string;
  /** Bytes after which it is shortened; 0 or less: never. */
  readonly eventsLogMax: number;
  /** The event of a container's creation carries its inspection. */
  readonly eventsInspectData: boolean;
  readonly pullPolicy: string;
  /** What `build` makes: oci or docker. */
  readonly buildFormat: string;
  /** Every name given to `save` is an image. */
  readonly multiImageArchive: boolean;
  /** Further attempts at talking to a registry. */
  readonly retry: number;
  /** Between them, `5s`; empty: ever longer. */
  readonly retryDelay: string;
  /** By registry, the other hosts that may see its credentials. */
  readonly tokenHosts: Readonly<Record<string, readonly string[]>>;
  /** An external OCI runtime instead of holdfast: a name of `runtimes` or a path; empty: none. */
  readonly runtime: string;
  readonly runtimes: Readonly<Record<string, readonly string[]>>;
  /** Words for each call of an external one, without dashes: for all, and by its name. */
  readonly runtimeFlags: readonly string[];
  readonly runtimesFlags: Readonly<Record<string, readonly string[]>>;
  /** Searched for pasta, fuse-overlayfs and other helpers before PATH. */
  readonly helperDirs: readonly string[];
  /** Put into kelp's own environment, `NAME=value`: a proxy, say. */
  readonly engineEnv: readonly string[];
}

export type SettingName = keyof SettingValues;

export interface Settings extends SettingValues {
  /** Who set a value: a file, an environment variable, an option. What is missing here is built in. */
  readonly origins: Readonly<Partial<Record<SettingName, string>>>;
}

export const DEFAULTS: SettingValues = {
  root: "",
  runroot: "",
  logLevel: "warn",
  noout: false,
  cgroupManager: "",
  networkCmdPath: "",
  storageDriver: "",
  storageOpts: [],
  volumePath: "",
  network: "",
  dnsServers: [],
  dnsSearches: [],
  dnsOptions: [],
  baseHostsFile: "",
  noHosts: false,
  hostContainersInternalIp: "",
  defaultHostIps: [],
  env: [],
  envHost: false,
  httpProxy: true,
  capabilities: undefined,
  sysctls: [],
  ulimits: [],
  devices: [],
  volumes: [],
  imageVolumeMode: "anonymous",
  mounts: [],
  annotations: [],
  labels: [],
  seccompProfile: undefined,
  init: false,
  privileged: false,
  readOnly: false,
  logDriver: "k8s-file",
  logPath: "",
  logTag: "",
  logSizeMax: 0,
  pidsLimit: 2048,
  shmSize: 65536 * 1024,
  oomScoreAdj: undefined,
  tz: "",
  umask: "0022",
  ipcNamespace: "shareable",
  pidNamespace: "private",
  utsNamespace: "private",
  cgroupNamespace: "private",
  userNamespace: "host",
  cgroups: "enabled",
  cgroupConf: [],
  nameAsHostname: false,
  stopTimeout: 10,
  detachKeys: "ctrl-p,ctrl-q",
  eventsLogger: "file",
  eventsLogPath: "",
  eventsLogMax: 1_000_000,
  eventsInspectData: false,
  pullPolicy: "missing",
  buildFormat: "oci",
  multiImageArchive: false,
  retry: 3,
  retryDelay: "",
  tokenHosts: {},
  runtime: "",
  runtimes: {},
  runtimeFlags: [],
  runtimesFlags: {},
  helperDirs: [],
  engineEnv: [],
};
