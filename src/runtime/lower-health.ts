/** The health checks of a container: their records, and the processes that carry them out. */
import type { SpecNamespace, SpecProcess } from "../oci/index.ts";
import type { HealthConfig } from "../state/index.ts";
import type { RuntimeFacts } from "./facts.ts";
import { healthLines } from "./lower-events.ts";
import { namespaceFlags } from "./lower-namespaces.ts";
import { lowerProcess } from "./lower-process.ts";
import type { EventPlan } from "./monitor-config.ts";
import type { PlanBuilder } from "./plan-builder.ts";

export interface HealthPlan {
  readonly config: HealthConfig;
  /** The process of a check, in every respect but its command like one of `exec`. */
  readonly process: SpecProcess;
  readonly startup?: SpecProcess;
  /** Absolute paths of what the monitor writes. */
  readonly stateFile: string;
  readonly logFile: string;
  /** Seconds between the stop signal and SIGKILL, for actions that stop. */
  readonly stopTimeout: number;
  /** Absent: no event tells of a check. */
  readonly events: EventPlan | undefined;
}

export interface LowerHealthInput {
  readonly namespaces: readonly SpecNamespace[];
  readonly facts: RuntimeFacts;
  readonly seccomp: Uint8Array | undefined;
}

const ACTIONS = { none: 0, kill: 1, restart: 2, stop: 3 } as const;
const DEFAULT_NS = 30e9;
const DEFAULT_RETRIES = 3;
const ORIGIN = "--health-cmd";

/** The records `health` and `startup`, and the stages `check` and `startup`. */
export function lowerHealth(plan: PlanBuilder, health: HealthPlan, input: LowerHealthInput): void {
  const { facts, seccomp } = input;
  healthRecords(plan, health, namespaceFlags(input.namespaces));
  lowerProcess(plan, { process: health.process, facts, seccomp, stage: "check" });
  if (health.startup !== undefined)
    lowerProcess(plan, { process: health.startup, facts, seccomp, stage: "startup" });
}

/** @param namespaces of the container that a check joins; 0: none */
export function healthRecords(plan: PlanBuilder, health: HealthPlan, namespaces: bigint): void {
  const { config } = health;
  const { startup } = config;
  plan.add(
    "config",
    "health",
    {
      namespaces,
      state: health.stateFile,
      log: health.logFile,
      keep: config.log?.count ?? 0,
      maxBytes: config.log?.size ?? 0,
      intervalMs: milliseconds(config.intervalNs ?? DEFAULT_NS),
      timeoutMs: milliseconds(config.timeoutNs ?? DEFAULT_NS),
      periodMs: milliseconds(config.startPeriodNs ?? 0),
      startIntervalMs: milliseconds(config.startIntervalNs ?? 0),
      retries: config.retries ?? DEFAULT_RETRIES,
      action: ACTIONS[config.onFailure ?? "none"],
      stopMs: Math.min(health.stopTimeout * 1000, 0xffffffff),
      ...healthLines(health.events, config.log?.inEvents === true),
    },
    { origin: ORIGIN },
  );
  if (startup === undefined || health.startup === undefined) return;
  plan.add(
    "config",
    "startup",
    {
      intervalMs: milliseconds(startup.intervalNs),
      timeoutMs: milliseconds(startup.timeoutNs),
      retries: startup.retries,
      successes: startup.successes,
    },
    { origin: "--health-startup-cmd" },
  );
}

/** An interval that is not "never" is at least a millisecond. */
function milliseconds(nanoseconds: number): bigint {
  return BigInt(nanoseconds > 0 ? Math.max(1, Math.round(nanoseconds / 1e6)) : 0);
}
