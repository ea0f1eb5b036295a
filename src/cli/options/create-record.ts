/** Flags of create and run about the container as an object: name, image, labels, log, life. */
import type { OptionTable } from "../command.ts";
import { NO_PODS } from "./reasons.ts";
import { RETRY_OPTIONS } from "./registry.ts";

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
    text: "Option of the log: max-size, path, tag",
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

  arch: { kind: "string", value: "ARCH", text: "Architecture of the image" },
  authfile: { kind: "string", value: "FILE", text: "Registry credentials for pulling", completes: "file" },
  "cert-dir": { kind: "string", value: "DIR", text: "Certificates for pulling", completes: "dir" },
  creds: { kind: "string", value: "USER[:PASSWORD]", text: "Registry credentials for pulling" },
  "decryption-key": {
    kind: "list",
    value: "KEY",
    text: "Key for an encrypted image",
    unsupported: "kelp does not decrypt images",
  },
  "disable-content-trust": {
    kind: "boolean",
    default: true,
    hidden: true,
    text: "Has no effect; docker has it",
  },
  os: { kind: "string", value: "OS", text: "Operating system of the image" },
  platform: { kind: "string", value: "OS/ARCH", text: "Platform of the image" },
  pull: {
    kind: "string",
    value: "POLICY",
    text: "When to pull the image",
    completes: ["always", "missing", "never", "newer"],
  },
  quiet: { kind: "boolean", short: "q", text: "Show no progress of pulling" },
  ...RETRY_OPTIONS,
  "tls-verify": { kind: "boolean", default: true, text: "Verify certificates when pulling" },
  variant: {
    kind: "string",
    value: "VARIANT",
    text: "Variant of the image's architecture",
  },
} as const satisfies OptionTable;
