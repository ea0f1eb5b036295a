/** The settings that an environment variable and a global option can make, too. */
import type { SettingName } from "./settings.ts";

export interface OuterSetting {
  /** Looked at in this order; the first that is not empty counts. */
  readonly env: readonly string[];
  readonly flag: string;
  readonly kind: "string" | "path" | "boolean" | "list";
}

export const OUTER = {
  root: { env: ["KELP_ROOT"], flag: "--root", kind: "path" },
  runroot: { env: ["KELP_RUNROOT"], flag: "--runroot", kind: "path" },
  storageDriver: { env: ["KELP_STORAGE_DRIVER", "STORAGE_DRIVER"], flag: "--storage-driver", kind: "string" },
  storageOpts: { env: ["KELP_STORAGE_OPTS", "STORAGE_OPTS"], flag: "--storage-opt", kind: "list" },
  volumePath: { env: ["KELP_VOLUMEPATH"], flag: "--volumepath", kind: "path" },
  logLevel: { env: ["KELP_LOG_LEVEL"], flag: "--log-level", kind: "string" },
  noout: { env: ["KELP_NOOUT"], flag: "--noout", kind: "boolean" },
  cgroupManager: { env: ["KELP_CGROUP_MANAGER"], flag: "--cgroup-manager", kind: "string" },
  networkCmdPath: { env: ["KELP_NETWORK_CMD_PATH"], flag: "--network-cmd-path", kind: "path" },
  runtime: { env: ["KELP_RUNTIME"], flag: "--runtime", kind: "string" },
  runtimeFlags: { env: ["KELP_RUNTIME_FLAGS"], flag: "--runtime-flag", kind: "list" },
  eventsLogger: { env: ["KELP_EVENTS_BACKEND"], flag: "--events-backend", kind: "string" },
} as const satisfies Partial<Record<SettingName, OuterSetting>>;

export type OuterName = keyof typeof OUTER;

/** Names the file that stands instead of the user's own; --config wins. */
export const CONFIG_VARIABLE = "KELP_CONFIG";
