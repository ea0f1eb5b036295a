/** --health-* and the image's HEALTHCHECK: what is checked, how often, and what follows. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { parseDuration, UsageError } from "../base/index.ts";
import type { HealthConfig } from "../state/index.ts";
import type { CreateOptions } from "./create-options.ts";

const SECOND = 1e9;
export const HEALTH_DEFAULTS = {
  intervalNs: 30 * SECOND,
  timeoutNs: 30 * SECOND,
  startPeriodNs: 0,
  retries: 3,
  logCount: 5,
  logSize: 500,
} as const;
const ACTIONS = ["none", "kill", "restart", "stop"] as const;

export interface HealthInput {
  readonly options: CreateOptions;
  readonly given: ReadonlySet<string>;
  /** The image's, in docker's names and nanoseconds. */
  readonly image: Readonly<Record<string, unknown>> | undefined;
  readonly cwd: string;
}

/**
 * Undefined where nothing is checked and nothing was said about it.
 *
 * @throws {UsageError} naming the flag
 */
export function healthConfig(input: HealthInput): HealthConfig | undefined {
  const { options, given } = input;
  const command = options["health-cmd"] ?? "";
  if (options["no-healthcheck"] === true) {
    if (command !== "")
      throw new UsageError("conflicting-flags", "cannot specify both --no-healthcheck and --health-cmd");
    return { test: ["NONE"] };
  }
  const base = command === "" ? imageHealth(input.image) : { test: parseTest(command) };
  const startup = startupConfig(options, given);
  const onFailure = chooseAction(options);
  if (base === undefined || !isActive(base)) {
    if (startup !== undefined) throw needsCheck("a startup healthcheck");
    if (onFailure !== "none") throw needsCheck(`on-failure action to ${onFailure}`);
    return base;
  }
  const time = (flag: string, least: number) =>
    given.has(flag) ? { value: flagTime(flag, String(options[flag]), least) } : undefined;
  return {
    ...base,
    ...set("intervalNs", interval(options, given)),
    ...set("timeoutNs", time("health-timeout", SECOND)?.value),
    ...set("startPeriodNs", time("health-start-period", 0)?.value),
    ...set("startIntervalNs", time("health-start-interval", 0)?.value),
    ...set("retries", given.has("health-retries") ? positive("health-retries", options) : undefined),
    ...(onFailure === "none" ? {} : { onFailure }),
    ...(startup === undefined ? {} : { startup }),
    ...logParts(input),
  };
}

/** Whether there is a command to run at all. */
export function isActive(health: HealthConfig | undefined): health is HealthConfig {
  return health !== undefined && health.test.length > 0 && health.test[0] !== "NONE" && health.test[0] !== "";
}

/** Whether a check may have the monitor put another process in the place of the one that runs. */
export function replacesUnhealthy(health: HealthConfig | undefined): boolean {
  return isActive(health) && (health.onFailure === "restart" || (health.startup?.retries ?? 0) > 0);
}

/** The words to execute. */
export function checkCommand(test: readonly string[]): string[] {
  const [kind = "", ...words] = test;
  if (kind === "CMD") return words;
  return ["/bin/sh", "-c", ...(kind === "CMD-SHELL" ? words : test)];
}

function set<K extends string>(key: K, value: number | undefined) {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]: number });
}

function needsCheck(what: string): UsageError {
  return new UsageError("no-healthcheck", `cannot set ${what} without a health check`);
}

/** A JSON list of words, or a line for the container's shell. */
function parseTest(command: string): string[] {
  if (command.trim() === "none") return ["NONE"];
  try {
    const list: unknown = JSON.parse(command);
    if (Array.isArray(list) && list.length > 0 && list.every((word) => typeof word === "string")) {
      return /^(CMD|CMD-SHELL|NONE)$/.test(list[0]!) ? list : ["CMD", ...list];
    }
  } catch {
    // Not JSON: a line for the shell.
  }
  return ["CMD-SHELL", command];
}

function imageHealth(image: Readonly<Record<string, unknown>> | undefined): HealthConfig | undefined {
  const test = image?.Test;
  if (!Array.isArray(test) || !test.every((word) => typeof word === "string")) return undefined;
  const number = (key: string) =>
    typeof image![key] === "number" && (image![key] as number) > 0 ? (image![key] as number) : undefined;
  return {
    test,
    ...set("intervalNs", number("Interval")),
    ...set("timeoutNs", number("Timeout")),
    ...set("startPeriodNs", number("StartPeriod")),
    ...set("startIntervalNs", number("StartInterval")),
    ...set("retries", number("Retries")),
  };
}

/** `disable` leaves the checks to `kelp healthcheck run`. */
function interval(options: CreateOptions, given: ReadonlySet<string>): number | undefined {
  if (!given.has("health-interval")) return undefined;
  const text = options["health-interval"] ?? "";
  return text === "disable" ? 0 : flagTime("health-interval", text, 0);
}

function flagTime(flag: string, text: string, least: number): number {
  const name = flag.replace("health", "healthcheck");
  let value: number;
  try {
    value = parseDuration(text);
  } catch (cause) {
    throw new UsageError("invalid-health", `invalid ${name}: ${(cause as Error).message}`, { cause });
  }
  if (value >= least) return value;
  const limit = least === 0 ? "0 seconds or greater" : "at least 1 second";
  throw new UsageError("invalid-health", `${name} must be ${limit}`);
}

function positive(flag: string, options: CreateOptions): number {
  const value = Number(options[flag]);
  if (value > 0) return value;
  throw new UsageError("invalid-health", `${flag.replace("health", "healthcheck")} must be greater than 0`);
}

function chooseAction(options: CreateOptions): NonNullable<HealthConfig["onFailure"]> {
  const text = (options["health-on-failure"] as string | undefined) || "none";
  const action = ACTIONS.find((known) => known === text);
  if (action !== undefined) return action;
  throw new UsageError("invalid-health", `invalid on-failure action for health check: ${text}`, {
    hint: `Actions: ${ACTIONS.join(", ")}.`,
  });
}

function startupConfig(options: CreateOptions, given: ReadonlySet<string>): HealthConfig["startup"] {
  const command = (options["health-startup-cmd"] as string | undefined) ?? "";
  const flags = ["interval", "retries", "success", "timeout"].map((name) => `health-startup-${name}`);
  if (command === "") {
    const orphan = flags.find((flag) => given.has(flag));
    if (orphan === undefined) return undefined;
    throw new UsageError("invalid-health", `--${orphan} needs --health-startup-cmd`);
  }
  const time = (flag: string, least: number) =>
    given.has(flag) ? flagTime(flag, String(options[flag]), least) : 30 * SECOND;
  const count = (flag: string) => Math.max(0, Number(options[flag] ?? 0));
  return {
    test: parseTest(command),
    intervalNs: time("health-startup-interval", 0),
    timeoutNs: time("health-startup-timeout", SECOND),
    retries: count("health-startup-retries"),
    successes: count("health-startup-success"),
  };
}

function logParts({ options, given, cwd }: HealthInput): Pick<HealthConfig, "log"> {
  const [count, size, place] = ["health-max-log-count", "health-max-log-size", "health-log-destination"];
  const text = (options[place!] as string | undefined) || "local";
  const number = (flag: string) => (given.has(flag) ? Math.max(0, Number(options[flag])) : undefined);
  const [maxCount, maxSize] = [number(count!), number(size!)];
  return {
    log: {
      count: maxCount ?? HEALTH_DEFAULTS.logCount,
      size: maxSize ?? HEALTH_DEFAULTS.logSize,
      ...destination(text, cwd),
    },
  };
}

function destination(text: string, cwd: string): { directory?: string; inEvents?: boolean } {
  if (text === "local") return {};
  return text === "events_logger" ? { inEvents: true } : { directory: checkDirectory(resolve(cwd, text)) };
}

function checkDirectory(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return path;
  throw new UsageError("invalid-health", `HealthCheck Log '${path}' destination error: no such directory`);
}

/** Settings of a check that there is not would be said to nobody. */
function refuseWithoutCommand(known: HealthConfig | undefined, given: ReadonlySet<string>): void {
  const [flag] = [...given].filter((name) =>
    /^health-(startup-|interval|retries|timeout|start-period|start-interval|log-|max-log-)/.test(name),
  );
  const startup = flag?.startsWith("health-startup-") === true;
  const has = startup
    ? known?.startup !== undefined || given.has("health-startup-cmd")
    : known !== undefined || given.has("health-cmd");
  if (flag === undefined || has) return;
  throw new UsageError(
    "no-healthcheck",
    `cannot set --${flag}: ${startup ? "startup " : ""}healthcheck command is not set`,
    { hint: `Give --${startup ? "health-startup-cmd" : "health-cmd"} too.` },
  );
}

/** What `update` makes of a container's health check: only what was given changes. Undefined: nothing was. */
export function changedHealth(
  old: HealthConfig | undefined,
  input: Omit<HealthInput, "image">,
): HealthConfig | undefined {
  const { given } = input;
  if (![...given].some((flag) => flag.startsWith("health-") || flag === "no-healthcheck")) return undefined;
  const known = isActive(old) ? old : undefined;
  refuseWithoutCommand(known, given);
  const fresh = healthConfig({ ...input, image: known === undefined ? undefined : { Test: known.test } });
  if (known === undefined || !isActive(fresh)) return fresh;
  const { count, size } = known.log ?? { count: HEALTH_DEFAULTS.logCount, size: HEALTH_DEFAULTS.logSize };
  return {
    ...known,
    ...fresh,
    ...(given.has("health-on-failure") ? { onFailure: chooseAction(input.options) } : {}),
    log: {
      ...(given.has("health-log-destination") ? {} : known.log),
      ...fresh.log,
      count: given.has("health-max-log-count") ? fresh.log!.count : count,
      size: given.has("health-max-log-size") ? fresh.log!.size : size,
    },
  };
}
