/** A container's health: where it is written down, and what it is now. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { containerDir } from "../host/index.ts";
import {
  type HealthResult,
  type HealthState,
  type HealthStatus,
  readHealthLog,
  readHealthState,
} from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { HEALTH_DEFAULTS, isActive } from "./config-health.ts";

export interface HealthFiles {
  readonly stateFile: string;
  readonly logFile: string;
}

export function healthFiles(ctx: Context, { id, config }: ContainerRecord): HealthFiles {
  const own = containerDir(ctx.paths, id);
  const place = config.health?.log?.directory;
  return {
    stateFile: join(own, "health"),
    logFile: place === undefined ? join(own, "health.log") : join(place, `${id}-healthcheck.log`),
  };
}

/** A start begins with a clean sheet; in a directory of the user's own the old results stay. */
export function forgetHealth(ctx: Context, record: ContainerRecord): void {
  if (!isActive(record.config.health)) return;
  const { stateFile, logFile } = healthFiles(ctx, record);
  const own = record.config.health.log?.directory === undefined ? [logFile, `${logFile}.1`] : [];
  for (const path of [stateFile, ...own]) rmSync(path, { force: true });
}

export interface Health {
  readonly status: HealthStatus | "";
  readonly failing: number;
  readonly log: readonly HealthResult[];
}

/** Undefined for a container without a health check. */
export function healthOf(ctx: Context, record: ContainerRecord): Health | undefined {
  const { health } = record.config;
  if (!isActive(health)) return undefined;
  const { stateFile, logFile } = healthFiles(ctx, record);
  const state = readHealthState(stateFile);
  return {
    status: state?.status ?? "starting",
    failing: state?.failing ?? 0,
    log: readHealthLog(logFile, health.log?.count ?? HEALTH_DEFAULTS.logCount),
  };
}

/** The status alone; empty: it has no check. */
export function healthWord(ctx: Context, record: ContainerRecord): HealthStatus | "" {
  return healthState(ctx, record)?.status ?? "";
}

/** Without the log: a listing asks this of every container. Undefined: it has no check. */
export function healthState(ctx: Context, record: ContainerRecord): HealthState | undefined {
  if (!isActive(record.config.health)) return undefined;
  const found = readHealthState(healthFiles(ctx, record).stateFile);
  return found ?? { status: "starting", failing: 0, isStopping: false };
}
