/** Flags of create and run about what the container may do: namespaces, capabilities, filters. */
import type { OptionTable } from "../command.ts";

export const CONFINE_OPTIONS = {
  "cap-add": {
    kind: "list",
    comma: true,
    value: "CAPABILITY",
    text: "Give a capability; all gives every one",
  },
  "cap-drop": {
    kind: "list",
    comma: true,
    value: "CAPABILITY",
    text: "Take a capability; all takes every one",
  },
  cgroupns: { kind: "string", value: "MODE", text: "Cgroup namespace (private, host)" },
  "device-cgroup-rule": {
    kind: "list",
    comma: true,
    value: "RULE",
    text: "Rule for devices; only root can have one",
  },
  gidmap: {
    kind: "list",
    comma: true,
    value: "IN:OUT:SIZE",
    text: "Map of group IDs",
  },
  ipc: {
    kind: "string",
    value: "MODE",
    text: "IPC namespace (private, shareable, host, none, container:ID, ns:PATH)",
  },
  pid: { kind: "string", value: "MODE", text: "Process namespace (private, host, container:ID, ns:PATH)" },
  privileged: { kind: "boolean", text: "Lift what confines the container beyond your own rights" },
  "seccomp-policy": {
    kind: "string",
    value: "POLICY",
    default: "default",
    text: "Where the seccomp profile comes from",
    completes: ["default", "image"],
    unsupported: "profiles inside images are not read",
  },
  "security-opt": {
    kind: "list",
    value: "OPTION",
    text: "seccomp=, no-new-privileges, mask=, unmask=, label=, apparmor=, proc-opts=",
  },
  subgidname: {
    kind: "string",
    value: "NAME",
    text: "Whose range of /etc/subgid to map",
  },
  subuidname: {
    kind: "string",
    value: "NAME",
    text: "Whose range of /etc/subuid to map",
  },
  sysctl: {
    kind: "list",
    comma: true,
    value: "NAME=VALUE",
    text: "Kernel parameter of the container's namespaces",
    completes: "sysctl",
  },
  uidmap: {
    kind: "list",
    comma: true,
    value: "IN:OUT:SIZE",
    text: "Map of user IDs",
  },
  ulimit: {
    kind: "list",
    comma: true,
    value: "NAME=SOFT[:HARD]",
    text: "Resource limit of the process; host keeps the host's",
  },
  userns: { kind: "string", value: "MODE", text: "User namespace (host, keep-id, nomap, auto, …)" },
  uts: { kind: "string", value: "MODE", text: "UTS namespace (private, host, container:ID, ns:PATH)" },
} as const satisfies OptionTable;
