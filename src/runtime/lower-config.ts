/** The monitor's static records, and what it does when all is over. */
import { dirname } from "node:path";
import { UsageError } from "../base/index.ts";
import { MNT_DETACH } from "./kernel.ts";
import type { LowerInput } from "./lower.ts";
import { cloneFlags } from "./lower-namespaces.ts";
import type { ClientConfig, MonitorConfig } from "./monitor-config.ts";
import { NO_SLOT } from "./plan/ops.ts";
import type { PlanBuilder } from "./plan-builder.ts";

const STDIN = { null: 0, open: 1, once: 2 } as const;
const LOG_DRIVERS: Readonly<Record<string, number>> = { none: 0, "k8s-file": 1, "json-file": 2 };

/** The config stage of a container's plan. */
export function lowerConfig(plan: PlanBuilder, { monitor, spec }: LowerInput): void {
  plan.add("config", "container", {
    cloneFlags: cloneFlags(spec),
    tty: spec.process.terminal ? 1 : 0,
    stdin: STDIN[monitor.stdin],
    init: monitor.init ? 1 : 0,
    stopSignal: monitor.stopSignal,
    cgroup: NO_SLOT,
  });
  plan.add("config", "monitorFiles", {
    runDir: monitor.runDir,
    statusName: "status",
    socketName: "attach",
    exitFile: `${monitor.containerDir}/exit`,
    pidFile: monitor.pidFile ?? "",
    monitorPidFile: monitor.monitorPidFile ?? "",
  });
  lowerLog(plan, monitor);
  lowerClient(plan, monitor.client);
  plan.add("config", "onFailure", monitor.onFailure);
}

function lowerLog(plan: PlanBuilder, { log }: MonitorConfig): void {
  const driver = LOG_DRIVERS[log.driver];
  if (driver === undefined) {
    throw new UsageError(
      "unsupported-log-driver",
      `cannot log with driver ${log.driver}: kelp has k8s-file, json-file and none`,
    );
  }
  plan.add(
    "config",
    "log",
    {
      driver,
      path: driver === 0 ? "" : log.path,
      maxBytes: BigInt(log.maxBytes),
      keep: log.maxBytes > 0 ? 1 : 0,
    },
    { origin: "--log-driver" },
  );
}

/** The caller's part: attached or not, which streams, which keys. */
export function lowerClient(plan: PlanBuilder, client: ClientConfig): void {
  plan.add("config", "client", {
    attach: client.attach ? 1 : 0,
    streams: (client.stdin ? 1 : 0) | (client.stdout ? 2 : 0) | (client.stderr ? 4 : 0),
    signals: client.forwardSignals ? 1 : 0,
    detachKeys: client.detachKeys,
    announce: client.attach ? "" : client.announce,
  });
}

/** The finish stage: what no process's death undoes. */
export function lowerFinish(plan: PlanBuilder, { monitor, rootfs }: LowerInput): void {
  // An overlay of the kernel's died with the container's mount namespace; a FUSE one lives in the base.
  if (rootfs.kind === "fuse") {
    plan.add("finish", "unmount", { path: rootfs.merged, flags: MNT_DETACH }, { origin: "storage driver" });
  }
  const { remove, after } = monitor;
  if (remove !== undefined) {
    // First, so that whoever looks while the trees go does not take the remains for a container.
    plan.add("finish", "makeMarker", { path: remove.marker }, { origin: "--rm" });
    for (const path of remove.files) plan.add("finish", "removeFile", { path }, { origin: "--rm" });
    for (const path of remove.trees) plan.add("finish", "removeTree", { path }, { origin: "--rm" });
  }
  if (after !== undefined) plan.add("finish", "spawn", after, { origin: dirname(monitor.containerDir) });
}
