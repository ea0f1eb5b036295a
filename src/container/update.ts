/** Changing a container's limits, and those of its running group at once. */
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ConflictError, errnoCode, HostError, UsageError } from "../base/index.ts";
import { enableControllers, errnoText, readIfExists } from "../host/index.ts";
import { type CgroupSetting, cgroupSettings } from "../runtime/index.ts";
import {
  type ContainerConfig,
  type ContainerRecord,
  type Context,
  writeContainerEvent,
} from "../state/index.ts";
import { checkCgroup } from "./cgroup.ts";
import { cgroupOf } from "./cgroup-note.ts";
import { statusOf } from "./status.ts";
import { isLive } from "./view.ts";

/** What can be changed afterwards. */
export type ConfigChange = Partial<
  Pick<ContainerConfig, "resources" | "restart" | "health" | "env" | "ulimits">
>;

/**
 * What runs is changed first: a limit that the kernel refuses is not recorded. `resources` are merged with
 * the container's own. Environment and ulimits are those of the next start.
 *
 * @throws {HostError} for a limit that cannot be applied here
 * @throws {ConflictError} for what cannot be changed in this container, or not while it runs
 */
export async function updateContainer(
  ctx: Context,
  record: ContainerRecord,
  change: ConfigChange,
): Promise<void> {
  ctx.state.expectWrites();
  const changed = (before: ContainerConfig): ContainerConfig => ({
    ...before,
    ...change,
    resources: mergeLimits(before.resources, change.resources ?? {}),
  });
  const config = changed(record.config);
  refuseRestartOfVanishing(record, config);
  const status = statusOf(ctx, record);
  if (Object.keys(change.resources ?? {}).length > 0) {
    if (isLive(status)) applyLimits(ctx, record, config, change.resources ?? {});
    else checkCgroup(ctx, config);
  }
  const parts = { restart: change.restart !== undefined, health: change.health !== undefined };
  if (isLive(status) && (parts.restart || parts.health)) {
    const { amendRunning } = await import("./amend.ts");
    await amendRunning(ctx, { ...record, config }, parts);
  }
  ctx.state.containers.changeConfig(record.id, changed);
  writeContainerEvent(ctx, "update", record);
}

function refuseRestartOfVanishing({ name }: ContainerRecord, { autoRemove, restart }: ContainerConfig): void {
  if (!autoRemove || restart.policy === "no") return;
  throw new ConflictError(
    "restart-removes",
    `cannot set --restart ${restart.policy} of container ${name}: it was made with --rm and is removed when it stops`,
  );
}

/** --cpus and --cpu-quota say the same in two ways: the one given last holds. */
function mergeLimits(
  before: ContainerConfig["resources"],
  given: ContainerConfig["resources"],
): ContainerConfig["resources"] {
  const rest = Object.entries(before).filter(
    ([name]) =>
      !(name === "cpus" && ("cpu-quota" in given || "cpu-period" in given)) &&
      !((name === "cpu-quota" || name === "cpu-period") && "cpus" in given),
  );
  return { ...Object.fromEntries(rest), ...given };
}

function applyLimits(
  ctx: Context,
  { id }: ContainerRecord,
  config: ContainerConfig,
  given: ContainerConfig["resources"],
): void {
  const cgroup = cgroupOf(ctx, id);
  const flags = Object.keys(given).map((name) => `--${name}`);
  if (cgroup === undefined) {
    throw new HostError(
      "no-cgroup",
      `cannot apply ${flags.join(", ")}: container ${id} has no control group`,
      {
        hint: "containers get one where cgroup v2 is delegated to you; start it again from such a session",
      },
    );
  }
  const settings = cgroupSettings(config.resources).filter(({ origin }) =>
    flags.some((flag) => origin === flag || origin.startsWith(`${flag} `)),
  );
  const groups = [...new Set([cgroup.path, cgroup.processes])];
  for (const group of groups) requireControllers(id, dirname(group), settings);
  const undo: (() => void)[] = [];
  try {
    for (const group of groups)
      for (const setting of settings) undo.unshift(applyOne(id, join(group, setting.file), setting));
  } catch (error) {
    for (const step of undo) step();
    throw error;
  }
}

/** A start gives a container the controllers of its limits alone. Asked before anything is written: all or nothing. */
function requireControllers(id: string, parent: string, settings: readonly CgroupSetting[]): void {
  const needed = settings.filter(({ controller, optional }) => controller !== "" && optional !== true);
  const lacking = enableControllers(parent, [...new Set(needed.map(({ controller }) => controller))]);
  const unmet = needed.find(({ controller }) => lacking.includes(controller));
  if (unmet !== undefined) throw notAvailable(id, unmet);
}

function notAvailable(id: string, { origin, controller }: CgroupSetting, cause?: unknown): HostError {
  return new HostError(
    "missing-controller",
    `cannot apply ${origin} to container ${id}: the cgroup controller ${controller} is not available to it`,
    {
      cause,
      hint: "have the controller delegated to you (kelp doctor cgroup-controllers), and start the container again",
    },
  );
}

/** Gives what puts the former value back. */
function applyOne(id: string, file: string, setting: CgroupSetting): () => void {
  const before = readIfExists(file)?.trimEnd() ?? "";
  try {
    writeFileSync(file, setting.value, { flag: "r+" });
    return () => putBack(file, before);
  } catch (cause) {
    if (setting.optional === true) return () => undefined;
    const code = errnoCode(cause);
    if (code === "ENOENT" || code === "EACCES") throw notAvailable(id, setting, cause);
    const reason = errnoText(code) ?? "write failed";
    throw new HostError("limit-refused", `cannot apply ${setting.origin} to container ${id}: ${reason}`, {
      cause,
    });
  }
}

/** As well as it can be: a device that had no limit is not in the list of limits. */
function putBack(file: string, value: string): void {
  try {
    for (const line of value.split("\n")) writeFileSync(file, line, { flag: "r+" });
  } catch {
    // The error that made it necessary is told.
  }
}

/** A container's variables with some set anew (`NAME=VALUE`) and some removed. */
export function changedEnv(
  before: readonly string[],
  set: readonly string[],
  unset: readonly string[],
): string[] {
  const name = (entry: string) => entry.split("=", 1)[0]!;
  const bare = set.find((entry) => !entry.includes("="));
  if (bare !== undefined) throw new UsageError("invalid-env", `invalid --env ${bare}: must be NAME=VALUE`);
  const gone = new Set([...unset, ...set.map(name)]);
  return [...before.filter((entry) => !gone.has(name(entry))), ...set];
}
