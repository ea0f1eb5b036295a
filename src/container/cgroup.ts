/** The control group of a container: what it may use, who makes it, and how others find it. */
import { rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { errnoCode, HostError, UsageError } from "../base/index.ts";
import { hostEnvironment } from "../config/index.ts";
import {
  type CgroupDelegation,
  controllersOf,
  delegateAdvice,
  enableControllers,
  mayEnterCgroup,
  readIfExists,
  userManagerCgroup,
} from "../host/index.ts";
import {
  type CgroupConfig,
  type CgroupSetting,
  cgroupSettings,
  processGroup,
  runsSystemd,
} from "../runtime/index.ts";
import type { ContainerConfig, ContainerRecord, Context } from "../state/index.ts";
import { hasUserManager } from "../systemd/index.ts";
import { cgroupHome, makeHome } from "./cgroup-home.ts";
import { type ContainerCgroup, cgroupOf, notePath } from "./cgroup-note.ts";

/** Controllers that every container gets where they are delegated: without limits they count. */
const COUNTING = ["memory", "pids", "cpu", "io"];

const MODES = ["enabled", "disabled", "no-conmon", "split"];

/**
 * Whether a container could get its group and its limits here, as far as that can be known without making it.
 *
 * @throws {UsageError} for limits that are none
 * @throws {HostError} `missing-controller` for a limit that cannot be applied here
 */
export function checkCgroup(ctx: Context, config: ContainerConfig): void {
  if (!MODES.includes(config.cgroups))
    throw new UsageError(
      "invalid-cgroups",
      `invalid --cgroups ${config.cgroups}: must be ${MODES.join(", ")}`,
    );
  const limits = cgroupSettings(config.resources);
  if (config.cgroups === "disabled") return;
  const home = cgroupHome(ctx, config);
  if (home.manager === "cgroupfs") chooseSettings(ctx, config, limits, home.delegation);
  if (home.manager === "systemd") checkDelegated(limits);
}

/** What systemd was not given it cannot hand on; where its group has another name, the start finds out. */
function checkDelegated(limits: readonly CgroupSetting[]): void {
  const path = userManagerCgroup();
  if (path === undefined) return;
  const controllers = controllersOf(path);
  const unmet = limits.find(
    ({ controller, value }) => value !== "max" && controller !== "" && !controllers.includes(controller),
  );
  if (unmet !== undefined) throw missingController(unmet, lackReason(unmet, path, controllers));
}

/**
 * Makes what a start needs of the group above the container's; undefined where it gets none. This process may be in
 * another group afterwards.
 *
 * @param isService the container is what a unit of the service manager is about
 * @throws {HostError} `missing-controller` for a limit that cannot be applied here
 */
export async function prepareCgroup(
  ctx: Context,
  record: ContainerRecord,
  isService: boolean,
): Promise<CgroupConfig | undefined> {
  const { config } = record;
  if (config.cgroups === "disabled") return undefined;
  const limits = cgroupSettings(config.resources);
  const home = cgroupHome(ctx, config, isService);
  const { delegation, name } = await makeHome(home, record);
  const chosen = chooseSettings(ctx, config, limits, delegation);
  if (chosen === undefined || "reason" in delegation) return undefined;
  return {
    path: join(delegation.path, name),
    nested: seesWritable(config),
    ...chosen,
    // What stays when the container's unit goes must not be in it.
    ...(home.manager === "cgroupfs" ? {} : { shared: join(dirname(delegation.path), "kelp-shared") }),
  };
}

/** What is written to the files of the container's group, beneath this one; undefined if there can be none. */
function chooseSettings(
  ctx: Context,
  config: ContainerConfig,
  limits: readonly CgroupSetting[],
  delegation: CgroupDelegation,
): Pick<CgroupConfig, "controllers" | "settings"> | undefined {
  // "No limit" needs nothing of a controller that is not there.
  const asked = limits.filter(({ value }) => value !== "max");
  if ("reason" in delegation) {
    if (asked[0] !== undefined) throw missingController(asked[0], delegation.reason);
    return undefined;
  }
  const { path, controllers } = delegation;
  const settings = [...limits, ...defaultSettings(ctx, config, controllers)];
  const wanted = new Set<string>([
    ...COUNTING.filter((name) => controllers.includes(name)),
    ...asked.map(controllerOf).filter(Boolean),
  ]);
  const lacking = wanted.size === 0 ? [] : enableControllers(path, [...wanted]);
  const unmet = asked.find(({ controller }) => lacking.includes(controller));
  if (unmet !== undefined) throw missingController(unmet, lackReason(unmet, path, controllers));
  const given = [...wanted].filter((name) => !lacking.includes(name));
  return {
    controllers: given,
    settings: settings.filter(({ controller }) => controller === "" || given.includes(controller)),
  };
}

const controllerOf = ({ controller }: CgroupSetting) => controller;

function defaultSettings(
  ctx: Context,
  { resources }: ContainerConfig,
  controllers: readonly string[],
): CgroupSetting[] {
  const { pidsLimit } = ctx.settings;
  if (pidsLimit <= 0 || resources["pids-limit"] !== undefined || !controllers.includes("pids")) return [];
  return [{ controller: "pids", file: "pids.max", value: String(pidsLimit), origin: "default pids limit" }];
}

/** What the container sees of its group is writable (runtime's mounts), or it has the right to make it so. */
function seesWritable(config: ContainerConfig): boolean {
  const { privileged, capAdd } = config;
  return privileged || runsSystemd(config) || capAdd.some((cap) => /^(cap_)?(sys_admin|all)$/i.test(cap));
}

function lackReason({ controller }: CgroupSetting, path: string, controllers: readonly string[]): string {
  return controllers.includes(controller)
    ? `control group ${path} has processes of its own and cannot give controllers to others`
    : `controller ${controller} was not delegated to ${path}`;
}

function missingController({ controller, origin }: CgroupSetting, reason: string): HostError {
  return new HostError(
    "missing-controller",
    `cannot apply ${origin}: the cgroup controller ${controller} is not available: ${reason}`,
    {
      hint: `${delegateAdvice()}, leave ${origin} out, or use --cgroups=disabled to run without limits`,
    },
  );
}

/** Ends what is left in a container's group and removes it: for one whose monitor was killed and could not. */
export function removeCgroup(cgroup: ContainerCgroup | undefined): void {
  if (cgroup === undefined) return;
  try {
    writeFileSync(join(cgroup.path, "cgroup.kill"), "1");
  } catch {
    // It went with its container, or the kernel is older than the file: the container's processes died with their monitor.
  }
  for (const path of new Set([cgroup.processes, cgroup.path])) {
    removeGroup(path);
  }
}

/** Whoever adopts the killed processes reaps them in its own time. A group that stays costs nothing: the next start takes it over. */
function removeGroup(path: string): void {
  for (let tries = 0; tries < 50; tries++) {
    try {
      rmdirSync(path);
      return;
    } catch (error) {
      if (errnoCode(error) !== "EBUSY") return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/** Notes the group before it is made, so that whatever happens then, it can be found and removed. */
export function noteCgroup(ctx: Context, id: string, cgroup: CgroupConfig | undefined): void {
  const before = readIfExists(notePath(ctx, id));
  const text = cgroup === undefined ? "" : `${cgroup.path}\n${processGroup(cgroup)}\n`;
  if ((before ?? "") !== text) writeFileSync(notePath(ctx, id), text, { mode: 0o600 });
}

/**
 * The group for one more process of a container. Where this process may not put others into it (a login session beside
 * the user's systemd), systemd moves it near, if there is one.
 *
 * @throws {HostError} if the container has limits and they would not hold
 */
export async function execCgroup(ctx: Context, { id, config }: ContainerRecord): Promise<string | undefined> {
  const cgroup = cgroupOf(ctx, id);
  if (cgroup === undefined || mayEnterCgroup(cgroup.processes)) return cgroup?.processes;
  const unit = cgroup.path.split("/").findLast((word) => /\.(scope|service)$/.test(word));
  let reason = `this shell may not put processes into ${dirname(cgroup.processes)}`;
  if (unit !== undefined && hasUserManager(hostEnvironment())) {
    const { joinUnit } = await import("./cgroup-scope.ts");
    try {
      await joinUnit(unit);
      return cgroup.processes;
    } catch (error) {
      reason = error instanceof Error ? error.message : reason;
    }
  }
  if (Object.keys(config.resources).length === 0) return undefined;
  throw new HostError(
    "cgroup-unreachable",
    `cannot execute in container ${id}: its limits would not hold: ${reason}`,
    { hint: "run kelp exec in the session in which the container was started" },
  );
}
