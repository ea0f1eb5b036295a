/** Flags that every command takes, before its name or after it. */
import type { FlagUse } from "./argv.ts";
import type { Globals, OptionTable } from "./command.ts";
import { readValues } from "./values.ts";

export const GLOBAL_OPTIONS = {
  "cgroup-manager": {
    kind: "string",
    value: "MANAGER",
    text: "Cgroup manager to use (cgroupfs or systemd)",
    completes: ["cgroupfs", "systemd"],
  },
  config: {
    kind: "string",
    value: "PATH",
    text: "Configuration file to read instead of the user's own",
    completes: "file",
  },
  "log-level": {
    kind: "string",
    value: "LEVEL",
    text: "Log messages at this level and above (trace, debug, info, warn, warning, error, fatal, panic)",
    default: "warn",
    completes: ["trace", "debug", "info", "warn", "error", "fatal", "panic"],
  },
  "network-cmd-path": {
    kind: "string",
    value: "PATH",
    text: "Program that gives containers their network",
    hidden: true,
    completes: "file",
  },
  noout: { kind: "boolean", text: "Write nothing to standard output" },
  root: { kind: "string", value: "DIR", text: "Where images and containers are kept", completes: "dir" },
  runroot: {
    kind: "string",
    value: "DIR",
    text: "Where the state of running containers is kept",
    completes: "dir",
  },
  "storage-driver": {
    kind: "string",
    value: "DRIVER",
    text: "How root filesystems are put together (overlay, fuse-overlayfs, vfs)",
    completes: ["overlay", "fuse-overlayfs", "vfs"],
  },
  "storage-opt": { kind: "list", value: "OPTION", text: "Option for the storage driver" },
} as const satisfies OptionTable;

/** Known at the root only: `-v` means something else to most commands. */
export const ROOT_OPTIONS = {
  ...GLOBAL_OPTIONS,
  version: { kind: "boolean", short: "v", text: "Print the version" },
} as const satisfies OptionTable;

/** The typed record every command receives, from all uses of global flags in the order typed. */
export function readGlobals(uses: readonly FlagUse[]): Globals {
  const { options } = readValues(GLOBAL_OPTIONS, uses);
  return {
    storageOpts: options["storage-opt"],
    logLevel: options["log-level"] ?? "warn",
    noout: options.noout,
    ...(options.root === undefined ? {} : { root: options.root }),
    ...(options.runroot === undefined ? {} : { runroot: options.runroot }),
    ...(options["storage-driver"] === undefined ? {} : { storageDriver: options["storage-driver"] }),
    ...(options.config === undefined ? {} : { config: options.config }),
    ...(options["cgroup-manager"] === undefined ? {} : { cgroupManager: options["cgroup-manager"] }),
    ...(options["network-cmd-path"] === undefined ? {} : { networkCmdPath: options["network-cmd-path"] }),
  };
}
