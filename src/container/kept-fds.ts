/** Descriptors of the caller's that the container's process gets, at the numbers they have. */
import { ConflictError } from "../base/index.ts";
import type { ContainerConfig } from "../state/index.ts";

/** What --preserve-fds and --preserve-fd ask for. */
export interface KeptFds {
  /** So many from 3 on, after those of a service manager. */
  readonly count: number;
  /** And these. */
  readonly numbers: readonly number[];
}

/** Their numbers, in order, behind `before` that are passed on in any case. */
export function keptNumbers(
  before: number,
  { count, numbers }: KeptFds = { count: 0, numbers: [] },
): number[] {
  const all = new Set([...Array.from({ length: before + count }, (_, index) => 3 + index), ...numbers]);
  return [...all].sort((a, b) => a - b);
}

/**
 * How many numbers from 3 on that spans: what a plan says. holdfast passes on what is open among them.
 *
 * @throws {ConflictError} for a gap with an OCI runtime: what that opens itself (crun its log) would land there, and in the container
 */
export function keptSpan(numbers: readonly number[], runtime: ContainerConfig["runtime"]): number {
  const span = (numbers.at(-1) ?? 2) - 2;
  if (span === numbers.length || runtime === undefined) return span;
  throw new ConflictError(
    "not-supported",
    `--preserve-fd with a gap is not supported with ${runtime.name}: descriptors of its own could get into the container there`,
    { hint: "Use --preserve-fds N, or kelp's own runtime." },
  );
}
