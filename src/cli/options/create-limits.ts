/** Flags of create and run about how much the container may use. */
import type { OptionTable } from "../command.ts";

export const LIMIT_OPTIONS = {
  "blkio-weight": { kind: "int", value: "WEIGHT", text: "Share of disk time (10 to 1000)" },
  "blkio-weight-device": {
    kind: "list",
    comma: true,
    value: "DEVICE:WEIGHT",
    text: "Share of one disk's time",
  },
  "cgroup-conf": {
    kind: "list",
    comma: true,
    value: "KEY=VALUE",
    text: "File of the container's cgroup and what to write to it",
    setting: "cgroupConf",
  },
  "cgroup-parent": { kind: "string", value: "PATH", text: "Cgroup to make the container's in" },
  cgroups: {
    kind: "string",
    value: "MODE",
    text: "Whether to make a cgroup (enabled, disabled, no-conmon, split)",
    completes: ["enabled", "disabled", "no-conmon", "split"],
  },
  "cpu-period": { kind: "int", value: "MICROSECONDS", text: "Length of a scheduler period" },
  "cpu-quota": {
    kind: "int",
    value: "MICROSECONDS",
    text: "Time of every period the container may use",
  },
  "cpu-rt-period": {
    kind: "int",
    value: "MICROSECONDS",
    text: "Length of a real-time period",
    unsupported: "real-time scheduling groups need cgroup v1",
  },
  "cpu-rt-runtime": {
    kind: "int",
    value: "MICROSECONDS",
    text: "Real-time share of a period",
    unsupported: "real-time scheduling groups need cgroup v1",
  },
  "cpu-shares": {
    kind: "int",
    short: "c",
    value: "SHARES",
    text: "Share of CPU time against others",
  },
  cpus: { kind: "string", value: "NUMBER", text: "How many CPUs' time to use" },
  "cpuset-cpus": { kind: "string", value: "LIST", text: "CPUs to run on" },
  "cpuset-mems": { kind: "string", value: "LIST", text: "Memory nodes to use" },
  "device-read-bps": {
    kind: "list",
    comma: true,
    value: "DEVICE:RATE",
    text: "Bytes a second read from a device",
  },
  "device-read-iops": {
    kind: "list",
    comma: true,
    value: "DEVICE:RATE",
    text: "Reads a second from a device",
  },
  "device-write-bps": {
    kind: "list",
    comma: true,
    value: "DEVICE:RATE",
    text: "Bytes a second written to a device",
  },
  "device-write-iops": {
    kind: "list",
    comma: true,
    value: "DEVICE:RATE",
    text: "Writes a second to a device",
  },
  "kernel-memory": {
    kind: "string",
    hidden: true,
    value: "SIZE",
    text: "Has no effect; kernels have no such limit any more",
  },
  memory: { kind: "bytes", short: "m", value: "SIZE", text: "Memory limit" },
  "memory-reservation": {
    kind: "bytes",
    value: "SIZE",
    text: "Memory to be left with when it is short",
  },
  "memory-swap": {
    kind: "string",
    value: "SIZE",
    text: "Limit of memory and swap together, -1 for none",
  },
  "memory-swappiness": {
    kind: "int",
    value: "PERCENT",
    text: "Readiness to swap",
    unsupported: "it needs cgroup v1",
  },
  "oom-kill-disable": {
    kind: "boolean",
    text: "Do not kill when memory is short",
    unsupported: "it needs cgroup v1",
  },
  "oom-score-adj": {
    kind: "int",
    value: "SCORE",
    text: "Preference of the out-of-memory killer (-1000 to 1000)",
  },
  "pids-limit": {
    kind: "int",
    value: "NUMBER",
    text: "How many processes there may be, -1 for any number",
  },
  "rdt-class": {
    kind: "string",
    value: "CLASS",
    text: "Intel RDT class of service",
    unsupported: "resctrl belongs to root",
  },
} as const satisfies OptionTable;
