/**
 * Keeps services up to date: newer images for the containers that ask for it, new starts of their units, and the way
 * back where a unit does not get on with its new image.
 */
import { KelpError, UsageError } from "../base/index.ts";
import { type FoundImage, tagImage, tryFindImage } from "../image/index.ts";
import { type ContainerRecord, type Context, writeEvent } from "../state/index.ts";
import { systemctl, unitProperties } from "../systemd/index.ts";
import { AUTHFILE_LABEL, UPDATE_LABEL, type UpdatePolicy, updatePolicy } from "./auto-update-policy.ts";
import { HEALTH_DEFAULTS, isActive } from "./config-health.ts";
import { healthWord } from "./health.ts";
import { UNIT_LABEL } from "./service.ts";
import { statusOf } from "./status.ts";
import { isGone } from "./sweep.ts";
import { isRunning } from "./view.ts";

export type UpdateResult = "true" | "false" | "failed" | "pending" | "rolled back";

export interface UpdateReport {
  readonly unit: string;
  readonly container: ContainerRecord;
  readonly image: string;
  readonly policy: UpdatePolicy;
  readonly updated: UpdateResult;
}

export interface UpdateOptions {
  readonly dryRun: boolean;
  readonly rollback: boolean;
  /** Whether the registry has another image than the store. */
  isOutdated(image: string, authFile: string | undefined): Promise<boolean>;
  pull(image: string, authFile: string | undefined): Promise<FoundImage>;
}

/** One container that asks to be updated. */
interface Task {
  readonly record: ContainerRecord;
  readonly unit: string;
  readonly image: string;
  readonly policy: UpdatePolicy;
}

interface Decided extends Task {
  readonly isNewer: boolean;
}

export interface UpdateOutcome {
  readonly reports: readonly UpdateReport[];
  /** What went wrong with single containers or units; the others were updated all the same. */
  readonly problems: readonly KelpError[];
}

export async function autoUpdate(ctx: Context, options: UpdateOptions): Promise<UpdateOutcome> {
  const problems: KelpError[] = [];
  const decided: Decided[] = [];
  const found = findTasks(ctx, problems);
  const tasks = options.dryRun ? found : await restartable(found, problems);
  if (tasks.length > 0) writeEvent(ctx, { type: "system", status: "auto-update" });
  const asked = new Map<string, Promise<boolean>>();
  for (const task of tasks) {
    try {
      decided.push({ ...task, isNewer: await isNewer(ctx, task, options, asked) });
    } catch (error) {
      problems.push(aboutContainer("checking image updates for container", task.record, error));
    }
  }
  const reports: UpdateReport[] = [];
  for (const unit of new Set(decided.map((task) => task.unit)))
    reports.push(
      ...(await updateUnit(
        ctx,
        unit,
        decided.filter((task) => task.unit === unit),
        options,
        problems,
      )),
    );
  return { reports, problems };
}

function findTasks(ctx: Context, problems: KelpError[]): Task[] {
  const tasks: Task[] = [];
  for (const record of ctx.state.containers.list()) {
    const { labels, rawImageName: image } = record.config;
    if (labels[UPDATE_LABEL] === undefined || !isRunning(statusOf(ctx, record))) continue;
    try {
      const policy = updatePolicy(labels[UPDATE_LABEL]);
      if (policy === undefined) continue;
      const unit = labels[UNIT_LABEL];
      if (unit === undefined)
        throw new UsageError("no-unit", `no ${UNIT_LABEL} label found: it does not run in a systemd unit`);
      tasks.push({ record, unit, image, policy });
    } catch (error) {
      problems.push(aboutContainer("auto-updating container", record, error));
    }
  }
  return tasks;
}

/** Those whose unit systemd knows. Asked before anything is pulled: an image that nothing is started with helps nobody. */
async function restartable(tasks: readonly Task[], problems: KelpError[]): Promise<Task[]> {
  const known = new Map<string, boolean>();
  for (const unit of new Set(tasks.map((task) => task.unit))) {
    const { LoadState: state } = await unitProperties(unit, ["LoadState"], `restart unit ${unit}`);
    known.set(unit, state === "loaded");
    if (state !== "loaded")
      problems.push(
        new UsageError("no-unit", `cannot update unit ${unit}: systemd does not have it (${state})`),
      );
  }
  return tasks.filter(({ unit }) => known.get(unit));
}

function aboutContainer(what: string, { id }: ContainerRecord, error: unknown): KelpError {
  if (!(error instanceof KelpError)) throw error;
  return new UsageError(error.code, `${what} ${JSON.stringify(id)}: ${error.message}`);
}

/** Each image is asked about, or pulled, once. */
async function isNewer(
  ctx: Context,
  task: Task,
  options: UpdateOptions,
  asked: Map<string, Promise<boolean>>,
): Promise<boolean> {
  const { record, image, policy } = task;
  const authFile = record.config.labels[AUTHFILE_LABEL];
  if (policy === "registry") {
    const key = `${authFile ?? ""}\n${image}`;
    const answer = asked.get(key) ?? fromRegistry(image, authFile, options);
    asked.set(key, answer);
    if ((await answer) && options.dryRun) return true;
  }
  return tryFindImage(ctx, image)?.record.id !== record.config.image;
}

async function fromRegistry(
  image: string,
  authFile: string | undefined,
  options: UpdateOptions,
): Promise<boolean> {
  if (!(await options.isOutdated(image, authFile))) return false;
  if (!options.dryRun) await options.pull(image, authFile);
  return true;
}

async function updateUnit(
  ctx: Context,
  unit: string,
  tasks: readonly Decided[],
  options: UpdateOptions,
  problems: KelpError[],
): Promise<UpdateReport[]> {
  const newer = tasks.filter((task) => task.isNewer);
  const report = (result: UpdateResult) =>
    tasks.map(({ record: container, image, policy, isNewer }) => ({
      unit,
      container,
      image,
      policy,
      updated: isNewer ? result : ("false" as const),
    }));
  if (newer.length === 0) return report("false");
  if (options.dryRun) return report("pending");
  const failure = await restart(ctx, unit);
  if (failure === undefined) return report("true");
  if (!options.rollback) {
    problems.push(new UsageError("update-failed", `restarting unit ${unit} during update: ${failure}`));
    return report("failed");
  }
  for (const { image, record } of newer) tagImage(ctx, record.config.image, [image]);
  const again = await restart(ctx, unit);
  if (again === undefined) return report("rolled back");
  problems.push(new UsageError("rollback-failed", `restarting unit ${unit} during rollback: ${again}`));
  return report("failed");
}

/** How long a service must hold out after its start where nothing tells that it is well. */
const SETTLE_MS = 1_000;
const TICK_MS = 100;
/** Above what the unit itself and a health check say about their time. */
const RESTART_LIMIT_MS = 30 * 60_000;

/** Restarts a unit and waits until it is well. @returns why it is not */
async function restart(ctx: Context, unit: string): Promise<string | undefined> {
  // Failed starts before this one are not to keep systemd from trying.
  await systemctl(["reset-failed", "--", unit]);
  const { code, stderr } = await systemctl(["restart", "--", unit], RESTART_LIMIT_MS);
  if (code !== 0) return stderr.trim().split("\n")[0] || `systemctl ends with ${code}`;
  await sleep(SETTLE_MS);
  const names = ["ActiveState", "SubState", "Result"] as const;
  const { ActiveState, SubState, Result } = await unitProperties(unit, names, `look at unit ${unit}`);
  if (SubState === "auto-restart" || ActiveState === "failed") return `it ended again at once (${Result})`;
  return awaitHealth(ctx, unit);
}

/** Waits for the health checks of the unit's containers, for as long as those give them. */
async function awaitHealth(ctx: Context, unit: string): Promise<string | undefined> {
  const checked = ctx.state.containers
    .list()
    .filter((record) => record.config.labels[UNIT_LABEL] === unit && isWatched(ctx, record));
  const end = performance.now() + Math.max(0, ...checked.map(healthTime));
  for (const record of checked) {
    for (;;) {
      const word = healthWord(ctx, record);
      if (word === "healthy") break;
      if (word === "unhealthy") return `container ${record.name} is unhealthy`;
      if (!isRunning(statusOf(ctx, record))) return `container ${record.name} has ended`;
      if (performance.now() > end) return `container ${record.name} does not become healthy`;
      await sleep(TICK_MS);
    }
  }
  return undefined;
}

/** Whether checks of its own will tell; the container that was there before may not be forgotten yet. */
function isWatched(ctx: Context, record: ContainerRecord): boolean {
  const { health } = record.config;
  return !isGone(ctx, record) && isActive(health) && health.intervalNs !== 0;
}

/** Until it must be healthy or unhealthy. */
function healthTime({ config: { health } }: ContainerRecord): number {
  const { startPeriodNs, intervalNs, timeoutNs, retries } = { ...HEALTH_DEFAULTS, ...health };
  return (startPeriodNs + (intervalNs + timeoutNs) * (retries + 1)) / 1e6 + SETTLE_MS;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
