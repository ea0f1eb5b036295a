/** The monitor's static records, and what it does when all is over. */
import { dirname } from "node:path";
import { UsageError } from "../base/index.ts";
import { CLONE, MNT_DETACH } from "./kernel.ts";
import { logLossPath } from "./log-loss.ts";
import type { LowerInput } from "./lower.ts";
import { cgroupSlot } from "./lower-cgroup.ts";
import { lowerEvents, lowerRemoveEvent } from "./lower-events.ts";
import { cloneFlags } from "./lower-namespaces.ts";
import { lowerNotify } from "./lower-notify.ts";
import type { ClientConfig, MonitorConfig } from "./monitor-config.ts";
import type { PlanBuilder } from "./plan-builder.ts";

const STDIN = { null: 0, open: 1, once: 2 } as const;
/** json-file is podman's other name for k8s-file. */
const LOG_DRIVERS: Readonly<Record<string, number>> = {
  none: 0,
  "k8s-file": 1,
  "json-file": 1,
  journald: 2,
  passthrough: 3,
  "passthrough-tty": 3,
};
const JOURNAL_SOCKET = "/run/systemd/journal/socket";
/** Beside the monitor's socket: the plan that it is to go by from now on. */
export const AMENDED = "amended.plan";
const RESTARTS = { no: 0, "on-failure": 1, always: 2, "unless-stopped": 2 } as const;
/** The pause before a container is started again, doubled after each short life up to the limit. */
const RESTART_DELAY_MS = 100;
const RESTART_DELAY_MAX_MS = 60_000;
/** After a life of that length the pause is the first one again. */
const RESTART_STEADY_MS = 10_000;

/** The config stage of a container's plan. */
export function lowerConfig(plan: PlanBuilder, { monitor, spec, cgroup, network }: LowerInput): void {
  const elsewhere = (cgroup === undefined ? 0n : CLONE.NEWCGROUP) | (network?.own ? CLONE.NEWNET : 0n);
  plan.add("config", "container", {
    cloneFlags: cloneFlags(spec) & ~elsewhere,
    tty: spec.process.terminal ? 1 : 0,
    stdin: STDIN[monitor.stdin],
    init: monitor.init ? 1 : 0,
    stopSignal: monitor.stopSignal,
    stopMs: Math.min(monitor.stopTimeout * 1000, 0xffffffff),
    cgroup: cgroupSlot(cgroup),
  });
  plan.add("config", "monitorFiles", {
    runDir: monitor.runDir,
    statusName: "status",
    socketName: "attach",
    exitFile: `${monitor.containerDir}/exit`,
    pidFile: monitor.pidFile ?? "",
    monitorPidFile: monitor.monitorPidFile ?? "",
    amendName: AMENDED,
  });
  lowerLog(plan, monitor);
  lowerLife(plan, monitor);
  lowerEvents(plan, monitor);
  lowerNotify(plan, monitor.notify);
  if (monitor.hold === true) plan.add("config", "held", {}, { origin: "kelp init" });
  lowerClient(plan, monitor.client);
  plan.add("config", "onFailure", monitor.onFailure);
}

/** What an entry of the journal says of its stream, and that the line goes on in the next one, as podman's do. */
const JOURNAL_LINES = {
  out: "PRIORITY=6\n",
  err: "PRIORITY=3\n",
  part: "CONTAINER_PARTIAL_MESSAGE=true\n",
} as const;
const NO_LINES = { out: "", err: "", part: "" } as const;

function lowerLog(plan: PlanBuilder, { log, runDir }: MonitorConfig): void {
  const driver = LOG_DRIVERS[log.driver];
  if (driver === undefined) {
    throw new UsageError(
      "unsupported-log-driver",
      `cannot log with driver ${log.driver}: kelp has none such`,
    );
  }
  const path = driver === 2 ? JOURNAL_SOCKET : driver === 1 ? log.path : "";
  const maxBytes = driver === 1 ? log.maxBytes : 0;
  const fields = driver === 2 ? Buffer.from(journalFields(log.fields)) : new Uint8Array();
  plan.add(
    "config",
    "log",
    {
      driver,
      path,
      lost: driver === 1 ? logLossPath(runDir) : "",
      maxBytes: BigInt(maxBytes),
      keep: maxBytes > 0 ? (log.maxFiles ?? 2) - 1 : 0,
      fields,
      ...(driver === 2 ? JOURNAL_LINES : NO_LINES),
    },
    { origin: "--log-driver" },
  );
}

/** journald's `NAME=value` lines; a value cannot hold a newline in this form, and none of ours should. */
function journalFields(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value.replaceAll("\n", " ")}\n`)
    .join("");
}

export type LifeConfig = Pick<MonitorConfig, "restart" | "timeout">;

/** The pauses are those of restarts that a health check wants, too. */
export function lowerLife(plan: PlanBuilder, { restart, timeout }: LifeConfig): void {
  plan.add(
    "config",
    "life",
    {
      restart: RESTARTS[restart.policy],
      retries: restart.retries,
      delayMs: RESTART_DELAY_MS,
      delayMaxMs: RESTART_DELAY_MAX_MS,
      steadyMs: RESTART_STEADY_MS,
      timeoutMs: BigInt(timeout) * 1000n,
    },
    { origin: restart.policy === "no" ? "--timeout" : "--restart" },
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
export function lowerFinish(plan: PlanBuilder, { rootfs }: LowerInput): void {
  // An overlay of the kernel's died with the container's mount namespace; a FUSE one lives in the base.
  if (rootfs.kind === "fuse") {
    plan.add("finish", "unmount", { path: rootfs.merged, flags: MNT_DETACH }, { origin: "storage driver" });
  }
}

/** The vanish stage: what --rm takes along. */
export function lowerVanish(plan: PlanBuilder, { monitor }: LowerInput): void {
  const { remove, after } = monitor;
  if (remove !== undefined) {
    // First, so that whoever looks while the trees go does not take the remains for a container.
    plan.add("vanish", "makeMarker", { path: remove.marker }, { origin: "--rm" });
    for (const path of remove.files) plan.add("vanish", "removeFile", { path }, { origin: "--rm" });
    for (const path of remove.trees) plan.add("vanish", "removeTree", { path }, { origin: "--rm" });
    lowerRemoveEvent(plan, monitor);
  }
  if (after !== undefined) plan.add("vanish", "spawn", after, { origin: dirname(monitor.containerDir) });
}
