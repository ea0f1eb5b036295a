/** Flags of create and run about health checks. */
import type { OptionTable } from "../command.ts";

export const HEALTH_OPTIONS = {
  "health-cmd": {
    kind: "string",
    value: "COMMAND",
    text: "Command that tells whether the container is healthy",
  },
  "health-interval": {
    kind: "string",
    value: "DURATION",
    text: "Pause between checks, or disable",
  },
  "health-log-destination": {
    kind: "string",
    value: "PLACE",
    text: "Where the results of checks are kept: local, a directory, or events_logger (local, and events tell them too)",
  },
  "health-max-log-count": { kind: "int", value: "N", text: "How many results are kept" },
  "health-max-log-size": {
    kind: "int",
    value: "CHARACTERS",
    text: "How long a kept result is at most",
  },
  "health-on-failure": {
    kind: "string",
    default: "none",
    value: "ACTION",
    text: "What to do with an unhealthy container",
    completes: ["none", "kill", "restart", "stop"],
  },
  "health-retries": {
    kind: "int",
    value: "N",
    text: "Failed checks in a row that make it unhealthy",
  },
  "health-start-interval": {
    kind: "string",
    value: "DURATION",
    text: "Pause between checks in the start period, until one succeeds",
  },
  "health-start-period": {
    kind: "string",
    value: "DURATION",
    text: "Time in which failures do not count",
  },
  "health-startup-cmd": {
    kind: "string",
    value: "COMMAND",
    text: "Command that tells whether the container has started",
  },
  "health-startup-interval": {
    kind: "string",
    value: "DURATION",
    text: "Pause between start-up checks",
  },
  "health-startup-retries": {
    kind: "int",
    value: "N",
    text: "Failed start-up checks after which it is restarted",
  },
  "health-startup-success": {
    kind: "int",
    value: "N",
    text: "Successful start-up checks that are enough",
  },
  "health-startup-timeout": {
    kind: "string",
    value: "DURATION",
    text: "Time a start-up check may take",
  },
  "health-timeout": { kind: "string", value: "DURATION", text: "Time a check may take" },
  "no-healthcheck": { kind: "boolean", text: "Do not run the image's health check" },
} as const satisfies OptionTable;
