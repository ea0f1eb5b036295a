/** Flags of build. What RUN gets comes from those of create. */
import type { OptionTable } from "../command.ts";
import { CONFINE_OPTIONS } from "./create-confine.ts";
import { FILE_OPTIONS } from "./create-files.ts";
import { LIMIT_OPTIONS } from "./create-limits.ts";
import { NETWORK_OPTIONS } from "./create-network.ts";
import { PROCESS_OPTIONS } from "./create-process.ts";
import { AUTH_OPTIONS, CREDS_OPTION, PLATFORM_OPTIONS, RETRY_OPTIONS } from "./registry.ts";

const { memory, cpus, ...limits } = LIMIT_OPTIONS;
const { device } = FILE_OPTIONS;

/** What every RUN of the build gets, with the meaning it has for `run`. */
export const STEP_OPTIONS = {
  "add-host": NETWORK_OPTIONS["add-host"],
  "cap-add": CONFINE_OPTIONS["cap-add"],
  "cap-drop": CONFINE_OPTIONS["cap-drop"],
  cgroupns: CONFINE_OPTIONS.cgroupns,
  "cgroup-parent": limits["cgroup-parent"],
  "cpu-period": limits["cpu-period"],
  "cpu-quota": limits["cpu-quota"],
  "cpu-shares": limits["cpu-shares"],
  cpus,
  "cpuset-cpus": limits["cpuset-cpus"],
  "cpuset-mems": limits["cpuset-mems"],
  device,
  dns: NETWORK_OPTIONS.dns,
  "dns-option": NETWORK_OPTIONS["dns-option"],
  "dns-search": NETWORK_OPTIONS["dns-search"],
  "group-add": PROCESS_OPTIONS["group-add"],
  "http-proxy": PROCESS_OPTIONS["http-proxy"],
  ipc: CONFINE_OPTIONS.ipc,
  memory,
  "memory-swap": limits["memory-swap"],
  network: NETWORK_OPTIONS.network,
  "no-hostname": NETWORK_OPTIONS["no-hostname"],
  "no-hosts": NETWORK_OPTIONS["no-hosts"],
  pid: CONFINE_OPTIONS.pid,
  "security-opt": CONFINE_OPTIONS["security-opt"],
  "shm-size": { kind: "bytes", value: "SIZE", text: "Size of /dev/shm" },
  ulimit: { kind: "list", value: "NAME=SOFT[:HARD]", text: "Limit of a process" },
  uts: CONFINE_OPTIONS.uts,
  volume: { kind: "list", short: "v", value: "SOURCE:DESTINATION[:OPTIONS]", text: "Mount into every RUN" },
} as const satisfies OptionTable;

export const BUILD_OPTIONS = {
  ...STEP_OPTIONS,
  ...AUTH_OPTIONS,
  ...CREDS_OPTION,
  ...PLATFORM_OPTIONS,
  ...RETRY_OPTIONS,
  annotation: { kind: "list", value: "NAME=VALUE", text: "Annotation of the image's manifest" },
  "build-arg": { kind: "list", value: "NAME[=VALUE]", text: "Value of an ARG; without = the environment's" },
  "build-arg-file": {
    kind: "list",
    value: "FILE",
    text: "File of NAME=VALUE lines for --build-arg, which wins",
    completes: "file",
  },
  "build-context": { kind: "list", value: "NAME=SOURCE", text: "Further place for FROM and --from" },
  env: { kind: "list", value: "NAME[=VALUE]", text: "Variable of the image" },
  file: {
    kind: "list",
    short: "f",
    value: "FILE",
    text: "The Dockerfile; - is standard input",
    completes: "file",
  },
  "force-rm": {
    kind: "boolean",
    default: true,
    hidden: true,
    text: "Has no effect; nothing is left in any case",
  },
  format: {
    kind: "string",
    value: "FORMAT",
    default: "oci",
    setting: "buildFormat",
    text: "oci or docker",
    completes: ["oci", "docker"],
  },
  ignorefile: {
    kind: "string",
    value: "FILE",
    text: "Instead of .containerignore and .dockerignore",
    completes: "file",
  },
  "iidfile-raw": { kind: "string", value: "FILE", text: "The same without sha256:", completes: "file" },
  iidfile: { kind: "string", value: "FILE", text: "Write the image's ID to a file", completes: "file" },
  jobs: {
    kind: "int",
    value: "N",
    text: "How many steps work at the same time (0: as many as there are processors)",
  },
  label: { kind: "list", value: "NAME=VALUE", text: "Label of the image" },
  layers: { kind: "boolean", default: true, text: "A layer for every step, kept for later builds" },
  logfile: { kind: "string", value: "FILE", text: "Write what is printed to a file", completes: "file" },
  "no-cache": { kind: "boolean", text: "Carry out every step, whatever earlier builds made" },
  output: {
    kind: "string",
    short: "o",
    value: "DIR|type=TYPE,dest=PATH",
    text: "Files (local, tar) or an archive (oci, docker) instead of an image only",
  },
  progress: {
    kind: "string",
    value: "MODE",
    default: "auto",
    text: "auto or plain",
    completes: ["auto", "plain"],
  },
  pull: {
    kind: "string",
    value: "POLICY",
    default: "missing",
    bare: "always",
    text: "When to fetch base images (always, missing, never, newer)",
    completes: ["always", "missing", "never", "newer"],
  },
  "pull-always": { kind: "boolean", hidden: true, text: "As --pull=always" },
  "pull-never": { kind: "boolean", hidden: true, text: "As --pull=never" },
  quiet: { kind: "boolean", short: "q", text: "Print the ID only" },
  rm: { kind: "boolean", default: true, hidden: true, text: "Has no effect; nothing is left in any case" },
  secret: { kind: "list", value: "id=ID[,src=FILE|,env=NAME]", text: "Secret for RUN --mount=type=secret" },
  "source-date-epoch": { kind: "string", value: "SECONDS", text: "As --timestamp" },
  ssh: { kind: "list", value: "ID[=SOCKET]", text: "SSH agent for RUN --mount=type=ssh" },
  squash: { kind: "boolean", text: "One layer for all new ones" },
  "squash-all": { kind: "boolean", text: "One layer for everything" },
  tag: { kind: "list", short: "t", value: "NAME", text: "Name of the image" },
  target: { kind: "string", value: "STAGE", text: "Stage to build instead of the last one" },
  timestamp: {
    kind: "string",
    value: "SECONDS",
    text: "Time of everything that is made: equal builds give equal images",
  },
} as const satisfies OptionTable;
