/** What a monitor has written down about its container's health. */

import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { readIfExists } from "../host/index.ts";

export type HealthStatus = "starting" | "healthy" | "unhealthy" | "stopped";

/** Times are milliseconds since the epoch. */
export interface HealthResult {
  readonly start: number;
  readonly end: number;
  readonly exitCode: number;
  readonly output: string;
}

/** By number, as in holdfast's `enum health_state`. */
const STATES: readonly (HealthStatus | undefined)[] = [
  undefined,
  "starting",
  "healthy",
  "unhealthy",
  "stopped",
];

export function healthStatus(number: number): HealthStatus | undefined {
  return STATES[number];
}

export interface HealthState {
  readonly status: HealthStatus;
  /** Checks in a row that have failed. */
  readonly failing: number;
  /** The monitor has asked the container to end, for its health. */
  readonly isStopping: boolean;
}

/** The state file; undefined before the first start. */
export function readHealthState(path: string): HealthState | undefined {
  const text = readIfExists(path) ?? "";
  const status = healthStatus(Number(/^state (\d+)$/m.exec(text)?.[1] ?? 0));
  return status === undefined
    ? undefined
    : {
        status,
        failing: Number(/^failing (\d+)$/m.exec(text)?.[1] ?? 0),
        isStopping: /^stopping 1$/m.test(text),
      };
}

/** The newest results, oldest first; `keep` 0: all there are. */
export function readHealthLog(path: string, keep: number): HealthResult[] {
  const results = [`${path}.1`, path].flatMap((file) => parseHealthLog(readRegular(file)));
  return keep === 0 ? results : results.slice(-keep);
}

function readRegular(path: string): Buffer {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return fstatSync(fd).isFile() ? readFileSync(fd) : Buffer.alloc(0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return Buffer.alloc(0);
  }
}

const NEWLINE = 10;
const HEAD = /^check (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$/;

/** Records as PLAN.md has them; what is no record (half of one, after a full disk) is passed over. */
export function parseHealthLog(data: Buffer): HealthResult[] {
  const results: HealthResult[] = [];
  let at = 0;
  while (at < data.length) {
    const newline = data.indexOf(NEWLINE, at);
    if (newline < 0) break;
    const head = HEAD.exec(data.toString("latin1", at, newline));
    const end = newline + 1 + Number(head?.[6] ?? 0);
    at = newline + 1;
    if (head === null || data[end] !== NEWLINE) continue;
    const time = (index: number) => Number(head[index]) * 1000 + Number(head[index + 1]) / 1e6;
    results.push({
      start: time(1),
      end: time(3),
      exitCode: Number(head[5]),
      output: data.toString("utf8", at, end),
    });
    at = end + 1;
  }
  return results;
}
