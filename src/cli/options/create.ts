/**
 * Everything podman's create and run can be asked, in one table. What kelp cannot do yet is declared
 * as well and refused by name (options/reasons.ts), because "unknown flag" would be a lie about podman.
 */
import type { OptionTable } from "../command.ts";
import { CONFINE_OPTIONS } from "./create-confine.ts";
import { FILE_OPTIONS } from "./create-files.ts";
import { HEALTH_OPTIONS } from "./create-health.ts";
import { LIMIT_OPTIONS } from "./create-limits.ts";
import { NETWORK_OPTIONS } from "./create-network.ts";
import { PROCESS_OPTIONS } from "./create-process.ts";
import { RECORD_OPTIONS } from "./create-record.ts";

export const CREATE_OPTIONS = {
  ...PROCESS_OPTIONS,
  ...RECORD_OPTIONS,
  ...FILE_OPTIONS,
  ...NETWORK_OPTIONS,
  ...CONFINE_OPTIONS,
  ...LIMIT_OPTIONS,
  ...HEALTH_OPTIONS,
} as const satisfies OptionTable;

/** What run has beyond create. */
export const RUN_OPTIONS = {
  ...CREATE_OPTIONS,
  detach: { kind: "boolean", short: "d", text: "Print the ID and leave the container running" },
  "detach-keys": {
    kind: "string",
    value: "KEYS",
    text: "Keys that leave the terminal of a running container; empty for none",
  },
  explain: { kind: "boolean", text: "Say in words what would be done, and do nothing" },
  rmi: { kind: "boolean", text: "Remove the image too when no other container uses it (implies --rm)" },
  "sig-proxy": { kind: "boolean", default: true, text: "Pass signals on to the container" },
} as const satisfies OptionTable;
