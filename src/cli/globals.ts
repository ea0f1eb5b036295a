/** Flags that every command takes, before its name or after it. */
import type { FlagUse } from "./argv.ts";
import type { Globals, OptionTable } from "./command.ts";
import { readValues } from "./values.ts";

export const DEFAULT_LOG_LEVEL = "warn";
const NO_REMOTE = "kelp has no service to talk to";

export const GLOBAL_OPTIONS = {
  "cgroup-manager": {
    kind: "string",
    value: "MANAGER",
    text: "Cgroup manager to use (cgroupfs or systemd)",
    completes: ["cgroupfs", "systemd"],
  },
  config: {
    kind: "string",
    value: "FILE",
    text: "Read this configuration instead of the user's own",
    completes: "file",
  },
  debug: { kind: "boolean", short: "D", hidden: true, text: "The same as --log-level debug" },
  "events-backend": {
    kind: "string",
    value: "BACKEND",
    text: "Where events are kept",
    unsupported: "kelp keeps no events",
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
    text: "Log messages of this level and above",
    default: DEFAULT_LOG_LEVEL,
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
    text: "OCI runtime to use",
    completes: "file",
    unsupported: "containers are run by holdfast",
  },
  "storage-driver": {
    kind: "string",
    value: "DRIVER",
    text: "How root filesystems are put together",
    completes: ["overlay", "fuse-overlayfs", "vfs"],
  },
  "storage-opt": { kind: "list", value: "OPTION", text: "Option for the storage driver" },
  tmpdir: {
    kind: "string",
    value: "DIR",
    text: "Where the engine's temporary state is kept",
    unsupported: "use --runroot",
  },
  volumepath: {
    kind: "string",
    value: "DIR",
    text: "Where volumes are kept",
    unsupported: "volumes are kept under --root",
  },
} as const satisfies OptionTable;

/** Known at the root only: `-v` means something else to most commands. */
export const ROOT_OPTIONS = {
  ...GLOBAL_OPTIONS,
  connection: { kind: "string", value: "NAME", text: "Service to use", unsupported: NO_REMOTE },
  remote: { kind: "boolean", short: "r", text: "Use a service", unsupported: NO_REMOTE },
  url: { kind: "string", value: "URL", text: "Address of a service", unsupported: NO_REMOTE },
  version: { kind: "boolean", short: "v", text: "Print the version" },
} as const satisfies OptionTable;

/** The typed record every command receives, from all uses of global flags in the order typed. */
export function readGlobals(uses: readonly FlagUse[]): Globals {
  const { options } = readValues(ROOT_OPTIONS, uses);
  return {
    storageOpts: options["storage-opt"],
    logLevel: options["log-level"],
    noout: options.noout,
    debug: options.debug,
    ...present("root", options.root),
    ...present("runroot", options.runroot),
    ...present("storageDriver", options["storage-driver"]),
    ...present("config", options.config),
    ...present("cgroupManager", options["cgroup-manager"]),
    ...present("networkCmdPath", options["network-cmd-path"]),
    ...present("out", options.out),
  };
}

function present<K extends string>(name: K, value: string | undefined): { [P in K]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { [P in K]?: string });
}
