/** Flags that every command takes, before its name or after it. */
import type { FlagUse } from "./argv.ts";
import type { Globals, OptionTable } from "./command.ts";
import { readValues } from "./values.ts";

const NO_REMOTE = "kelp has no service to talk to";
const NO_MONITOR = "holdfast watches the containers";

export const GLOBAL_OPTIONS = {
  "cgroup-manager": {
    kind: "string",
    value: "MANAGER",
    text: "Cgroup manager to use; kelp makes groups itself: cgroupfs",
    completes: ["cgroupfs"],
  },
  config: {
    kind: "string",
    value: "FILE",
    text: "Read this configuration instead of the user's own",
    completes: "file",
  },
  conmon: { kind: "string", hidden: true, value: "FILE", text: "Monitor to use", unsupported: NO_MONITOR },
  debug: { kind: "boolean", short: "D", hidden: true, text: "The same as --log-level debug" },
  "default-mounts-file": {
    kind: "string",
    hidden: true,
    value: "FILE",
    text: "Mounts that every container gets",
    unsupported: "name them as volumes in the configuration",
  },
  "events-backend": {
    kind: "string",
    value: "BACKEND",
    text: "Where events are kept: file, journald (where there is one) or none",
    completes: ["file", "journald", "none"],
  },
  "hooks-dir": {
    kind: "list",
    value: "DIR",
    text: "Where the hooks of an OCI runtime are",
    unsupported: "no hooks of an OCI runtime are run",
  },
  imagestore: {
    kind: "string",
    value: "DIR",
    text: "A place of its own for images",
    unsupported: "images are kept under --root",
  },
  "log-level": {
    kind: "string",
    value: "LEVEL",
    text: "Log messages of this level and above (default warn)",
    completes: ["trace", "debug", "info", "warn", "error", "fatal", "panic"],
  },
  "network-cmd-path": {
    kind: "string",
    value: "FILE",
    text: "Program that gives containers their network",
    completes: "file",
  },
  "network-config-dir": {
    kind: "string",
    value: "DIR",
    text: "Where networks are kept",
    unsupported: "networks are kept under --root",
  },
  noout: { kind: "boolean", text: "Write nothing to standard output" },
  out: {
    kind: "string",
    hidden: true,
    value: "FILE",
    text: "Write standard output to a file",
    completes: "file",
  },
  root: { kind: "string", value: "DIR", text: "Where images and containers are kept", completes: "dir" },
  runroot: {
    kind: "string",
    value: "DIR",
    text: "Where the state of running containers is kept",
    completes: "dir",
  },
  runtime: {
    kind: "string",
    value: "RUNTIME",
    text: "OCI runtime that makes new containers, a name or a path (crun, runc, runsc); holdfast is kelp's own",
    completes: "file",
  },
  "runtime-flag": {
    kind: "list",
    value: "FLAG",
    text: "Flag for each call of the OCI runtime, without its dashes",
  },
  "storage-driver": {
    kind: "string",
    value: "DRIVER",
    text: "How root filesystems are put together",
    completes: ["overlay", "fuse-overlayfs", "vfs"],
  },
  "storage-opt": {
    kind: "list",
    value: "OPTION",
    text: "Option for the storage driver: mount_program=FILE",
  },
  syslog: {
    kind: "boolean",
    text: "Write the log to syslog as well",
    unsupported: "the log goes to standard error",
  },
  tmpdir: {
    kind: "string",
    value: "DIR",
    text: "The same as --runroot, which wins; podman keeps temporary state in both",
    completes: "dir",
  },
  "transient-store": {
    kind: "boolean",
    text: "Keep the records of containers in memory only",
    unsupported: "use --rm, or a --root on a tmpfs",
  },
  volumepath: { kind: "string", value: "DIR", text: "Where volumes are made", completes: "dir" },
} as const satisfies OptionTable;

/** Known at the root only: `-v` means something else to most commands. */
export const ROOT_OPTIONS = {
  ...GLOBAL_OPTIONS,
  connection: { kind: "string", value: "NAME", text: "Service to use", unsupported: NO_REMOTE },
  identity: { kind: "string", value: "FILE", text: "Key for a service", unsupported: NO_REMOTE },
  module: {
    kind: "list",
    value: "FILE",
    text: "Read this after containers.conf: a path, or a file of containers.conf.modules",
    completes: "module",
  },
  remote: { kind: "boolean", short: "r", text: "Use a service", unsupported: NO_REMOTE },
  ssh: { kind: "string", value: "MODE", text: "How to reach a service", unsupported: NO_REMOTE },
  url: { kind: "string", value: "URL", text: "Address of a service", unsupported: NO_REMOTE },
  version: { kind: "boolean", short: "v", text: "Print the version" },
} as const satisfies OptionTable;

/** From all uses of global flags in the order typed. */
export function readGlobals(
  uses: readonly FlagUse[],
): Omit<Globals, "noout"> & { noout?: boolean | undefined } {
  const { options, given } = readValues(ROOT_OPTIONS, uses);
  return {
    storageOpts: options["storage-opt"],
    logLevel: options.debug ? "debug" : options["log-level"],
    noout: given.has("noout") ? options.noout : undefined,
    root: options.root,
    runroot: options.runroot ?? options.tmpdir,
    runtime: options.runtime,
    runtimeFlags: options["runtime-flag"],
    volumePath: options.volumepath,
    storageDriver: options["storage-driver"],
    config: options.config,
    modules: options.module,
    eventsLogger: options["events-backend"],
    cgroupManager: options["cgroup-manager"],
    networkCmdPath: options["network-cmd-path"],
    out: options.out,
    conflict: options.debug && given.has("log-level"),
  };
}
