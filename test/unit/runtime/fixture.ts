/** A container as tests describe it: everything at its default, then what the test changes. */
import type { IdMaps, Paths } from "../../../src/host/index.ts";
import {
  type LowerInput,
  lowerSpec,
  type MonitorConfig,
  makeSpec,
  type Plan,
  type RuntimeFacts,
  type SpecInput,
} from "../../../src/runtime/index.ts";
import type { ContainerConfig, RootfsSource } from "../../../src/state/index.ts";

export const ID = "0123456789abcdef".repeat(4);
const DATA = "/home/u/.local/share/kelp";
const CONTAINER = `${DATA}/containers/${ID}`;

export const PATHS: Paths = {
  data: DATA,
  config: "/home/u/.config/kelp",
  cache: "/home/u/.cache/kelp",
  runtime: "/run/user/1000/kelp",
};

export const FACTS: RuntimeFacts = {
  arch: "x86_64",
  lastCap: 40,
  hardLimits: { RLIMIT_NOFILE: 524288, RLIMIT_NPROC: -1, RLIMIT_CORE: -1 },
  oomScoreAdj: 0,
  cgroup2: true,
  singleId: false,
  mqueue: true,
};

export const MAPS: IdMaps = {
  uid: [
    { container: 0, host: 1000, size: 1 },
    { container: 1, host: 100000, size: 65536 },
  ],
  gid: [
    { container: 0, host: 1000, size: 1 },
    { container: 1, host: 100000, size: 65536 },
  ],
  single: false,
  newuidmap: "/usr/bin/newuidmap",
  newgidmap: "/usr/bin/newgidmap",
};

export const SINGLE: IdMaps = {
  uid: [{ container: 0, host: 1000, size: 1 }],
  gid: [{ container: 0, host: 1000, size: 1 }],
  single: true,
};

const ROOTFS: RootfsSource = {
  kind: "overlay",
  layersDir: `${DATA}/layers`,
  lower: ["2", "1"],
  upper: `${CONTAINER}/upper`,
  work: `${CONTAINER}/work`,
  merged: `${CONTAINER}/merged`,
  options: ["userxattr"],
};

const CONFIG: ContainerConfig = {
  image: "f".repeat(64),
  imageName: "docker.io/library/web:latest",
  rawImageName: "web",
  storageDriver: "overlay",
  entrypoint: [],
  command: ["/bin/true"],
  env: ["PATH=/usr/bin:/bin", "container=podman"],
  workdir: "/",
  user: "",
  groupAdd: [],
  umask: "",
  hostname: "",
  labels: {},
  annotations: {},
  tty: false,
  openStdin: false,
  stdinOnce: false,
  autoRemove: false,
  removeImage: false,
  init: false,
  readOnly: false,
  readOnlyTmpfs: true,
  shmSize: 65536000,
  mounts: [],
  imageVolumes: [],
  privileged: false,
  capAdd: [],
  capDrop: [],
  securityOpt: [],
  devices: [],
  sysctls: {},
  ulimits: [],
  systemd: "true",
  namespaces: { pid: "private", ipc: "shareable", uts: "private", cgroup: "private", user: "" },
  network: {
    mode: "private",
    networks: [],
    ports: [],
    publishAll: false,
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    addHosts: [],
    noHosts: false,
    noHostname: false,
  },
  cgroups: "enabled",
  resources: {},
  log: { driver: "k8s-file", path: `${CONTAINER}/ctr.log`, maxBytes: 0 },
  stopSignal: 15,
  stopTimeout: 10,
  timeout: 0,
  restart: { policy: "no", retries: 0 },
  secrets: [],
  sdnotify: "ignore",
  dependencies: [],
  createCommand: [],
};

export const MONITOR: MonitorConfig = {
  id: ID,
  containerDir: CONTAINER,
  runDir: `/run/user/1000/kelp/c/${ID}`,
  log: { ...CONFIG.log, fields: {} },
  restart: CONFIG.restart,
  timeout: 0,
  tty: false,
  stdin: "null",
  init: false,
  stopSignal: 15,
  stopTimeout: 10,
  client: {
    attach: true,
    stdin: false,
    stdout: true,
    stderr: true,
    forwardSignals: true,
    detachKeys: new Uint8Array([16, 17]),
    announce: "",
  },
  onFailure: { argv: ["/usr/bin/kelp", "__failed", ID], env: [] },
};

export interface Case {
  readonly config?: Partial<ContainerConfig>;
  readonly input?: Partial<SpecInput>;
  readonly monitor?: Partial<MonitorConfig>;
  readonly lower?: Partial<LowerInput>;
}

export function specInput({ config = {}, input = {} }: Case = {}): SpecInput {
  return {
    id: ID,
    config: { ...CONFIG, ...config },
    user: { uid: 0, gid: 0, groups: [], home: "/root" },
    facts: FACTS,
    containerDir: CONTAINER,
    files: {},
    volumes: new Map(),
    ...input,
  };
}

export function specOf(what: Case = {}) {
  return makeSpec(specInput(what));
}

export function planOf(what: Case = {}): Plan {
  return lowerSpec(lowerInputOf(what));
}

export function lowerInputOf(what: Case = {}): LowerInput {
  return {
    spec: specOf(what),
    rootfs: ROOTFS,
    monitor: { ...MONITOR, ...what.monitor },
    maps: MAPS,
    paths: PATHS,
    facts: FACTS,
    fileSources: new Set(),
    seccomp: new Uint8Array(64),
    ...what.lower,
  };
}
