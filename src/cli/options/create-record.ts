/** Flags of create and run about the container as an object: name, image, labels, log, life. */
import type { OptionTable } from "../command.ts";
import { NO_PODS } from "./reasons.ts";
import { FETCH_OPTIONS } from "./registry.ts";

export const RECORD_OPTIONS = {
  annotation: { kind: "list", value: "KEY=VALUE", text: "Annotation in the runtime's configuration" },
  cidfile: {
    kind: "string",
    value: "FILE",
    text: "Write the container's ID to a new file",
    completes: "file",
  },
  "conmon-pidfile": {
    kind: "string",
    value: "FILE",
    text: "Write the monitor's process ID to a file",
    completes: "file",
  },
  "init-ctr": {
    kind: "string",
    value: "TYPE",
    text: "Run before the other containers of a pod",
    unsupported: NO_PODS,
  },
  label: { kind: "list", short: "l", value: "KEY=VALUE", text: "Label of the container" },
  "label-file": { kind: "list", value: "FILE", text: "Read labels from a file", completes: "file" },
  "log-driver": {
    kind: "string",
    value: "DRIVER",
    text: "Where output is kept",
    completes: ["k8s-file", "json-file", "journald", "passthrough", "passthrough-tty", "none"],
  },
  "log-opt": {
    kind: "list",
    comma: true,
    value: "KEY=VALUE",
    text: "Option of the log: max-size, max-file, path, tag, label",
  },
  name: { kind: "string", value: "NAME", text: "Name of the container" },
  pidfile: {
    kind: "string",
    value: "FILE",
    text: "Write the container's process ID to a file",
    completes: "file",
  },
  pod: { kind: "string", value: "POD", text: "Run inside a pod", unsupported: NO_PODS },
  "pod-id-file": {
    kind: "string",
    value: "FILE",
    text: "Run inside the pod whose ID a file holds",
    unsupported: NO_PODS,
  },
  replace: { kind: "boolean", text: "Remove a container of the same name first" },
  requires: {
    kind: "list",
    comma: true,
    value: "CONTAINER",
    text: "Containers that must run first",
    completes: "container",
    unsupported: "kelp does not start containers for one another",
  },
  restart: {
    kind: "string",
    value: "POLICY",
    default: "no",
    text: "When to start the container again by itself",
    completes: ["no", "always", "on-failure", "unless-stopped"],
  },
  rm: { kind: "boolean", text: "Remove the container when it has ended" },
  sdnotify: {
    kind: "string",
    value: "MODE",
    default: "container",
    text: "Who tells systemd that the service is ready",
    completes: ["container", "conmon", "healthy", "ignore"],
  },

  ...FETCH_OPTIONS,
  pull: {
    kind: "string",
    value: "POLICY",
    text: "When to pull the image",
    completes: ["always", "missing", "never", "newer"],
  },
  quiet: { kind: "boolean", short: "q", text: "Show no progress of pulling" },
} as const satisfies OptionTable;
