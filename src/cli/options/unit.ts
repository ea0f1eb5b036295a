/** Flags of generate systemd. */
import type { OptionTable } from "../command.ts";

const UNITS = { kind: "list", comma: true, value: "UNIT" } as const;

export const UNIT_OPTIONS = {
  after: { ...UNITS, text: "Units to start after" },
  "container-prefix": {
    kind: "string",
    value: "PREFIX",
    default: "container",
    text: "Begin of the unit's name",
  },
  env: {
    kind: "list",
    short: "e",
    value: "NAME[=VALUE]",
    text: "Variable of the unit; NAME* for all that begin so",
  },
  files: { kind: "boolean", short: "f", text: "Write the unit to a file here instead of printing it" },
  format: { kind: "string", value: "FORMAT", text: "Print as json", completes: ["json"] },
  name: { kind: "boolean", short: "n", text: "Use the container's name instead of its ID" },
  new: { kind: "boolean", text: "Make a new container at every start" },
  "no-header": { kind: "boolean", text: "Leave out version and time" },
  "pod-prefix": {
    kind: "string",
    value: "PREFIX",
    default: "pod",
    hidden: true,
    text: "Begin of a pod's unit's name",
  },
  requires: { ...UNITS, text: "Units without which it does not run" },
  "restart-policy": {
    kind: "string",
    value: "POLICY",
    text: "When systemd starts it again (on-failure, or what the container says)",
    completes: ["no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"],
  },
  "restart-sec": { kind: "int", value: "SECONDS", text: "Pause before that" },
  separator: { kind: "string", value: "TEXT", default: "-", text: "Between prefix and name" },
  "start-timeout": { kind: "int", value: "SECONDS", text: "Time the start may take" },
  "stop-timeout": {
    kind: "int",
    short: "t",
    aliases: ["time"],
    value: "SECONDS",
    text: "Time before the container is killed (the container's own)",
  },
  template: { kind: "boolean", text: "Make a template, for several instances (implies --new)" },
  wants: { ...UNITS, text: "Units it wants to have running" },
} as const satisfies OptionTable;
