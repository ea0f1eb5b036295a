/** The control group of a container: where it is made, what it may use, and how others find it. */
import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { errnoCode, HostError } from "../base/index.ts";
import {
  cgroupMount,
  enableControllers,
  errnoText,
  findDelegatedCgroup,
  findOwnCgroup,
  mayEnterCgroup,
  readIfExists,
} from "../host/index.ts";
import {
  type CgroupConfig,
  type CgroupSetting,
  cgroupSettings,
  processGroup,
  runsSystemd,
} from "../runtime/index.ts";
import type { ContainerConfig, ContainerRecord, Context } from "../state/index.ts";
import { cgroupOf, notePath } from "./cgroup-note.ts";

/** Controllers that every container gets where they are delegated: without limits they count. */
const COUNTING = ["memory", "pids", "cpu", "io"];

/** Whether a start is meant, and by whom. */
export interface CgroupUse {
  readonly starting: boolean;
  /** The container is what a unit of the service manager is about. */
  readonly isService: boolean;
}

/**
 * The group a start makes; undefined where the container gets none. With --cgroups=split, and for a service's
 * container, it lies in the group that kelp was started in, whose limits and life are the unit's; a start leaves that
 * group for one beside the container's, since a group with processes cannot give controllers to groups inside it.
 *
 * @throws {HostError} `missing-controller` for a limit that cannot be applied here
 */
export function planCgroup(
  ctx: Context,
  id: string,
  config: ContainerConfig,
  use: CgroupUse = { starting: false, isService: false },
): CgroupConfig | undefined {
  if (config.cgroups === "disabled") return undefined;
  const all = cgroupSettings(config.resources);
  // "No limit" needs nothing of a controller that is not there.
  const asked = all.filter(({ value }) => value !== "max");
  const isSplit = config.cgroupParent === undefined && (config.cgroups === "split" || use.isService);
  const delegation = isSplit
    ? findOwnCgroup()
    : config.cgroupParent === undefined
      ? findDelegatedCgroup()
      : parentGroup(config.cgroupParent);
  if ("reason" in delegation) {
    if (asked[0] !== undefined) throw missingController(asked[0], delegation.reason);
    return undefined;
  }
  const { path, controllers } = delegation;
  const settings = [...all, ...defaultSettings(ctx, config, controllers)];
  const wanted = new Set<string>([
    ...COUNTING.filter((name) => controllers.includes(name)),
    ...asked.map(controllerOf).filter(Boolean),
  ]);
  if (isSplit && use.starting) moveInto(join(path, MONITOR_GROUP));
  const lacking = isSplit && !use.starting ? [] : enableControllers(path, [...wanted]);
  const unmet = asked.find(({ controller }) => lacking.includes(controller));
  if (unmet !== undefined) throw missingController(unmet, lackReason(unmet, path, controllers));
  const given = [...wanted].filter((name) => !lacking.includes(name));
  return {
    path: join(path, `kelp-${id}`),
    nested: seesWritable(config),
    controllers: given,
    settings: settings.filter(({ controller }) => controller === "" || given.includes(controller)),
  };
}

/** The monitor's, beside its container's; podman's name for it. */
const MONITOR_GROUP = "runtime";

/** This process, and so all that it becomes and makes. */
function moveInto(group: string): void {
  mkdirSync(group, { recursive: true });
  writeFileSync(join(group, "cgroup.procs"), String(process.pid));
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

/** --cgroup-parent: a path from the root of the hierarchy. */
function parentGroup(parent: string): ReturnType<typeof findDelegatedCgroup> {
  const mount = cgroupMount();
  if (mount === undefined) return { reason: "control groups version 2 are not mounted" };
  const path = join(mount, join("/", parent));
  try {
    mkdirSync(path, { recursive: true });
  } catch (cause) {
    throw new HostError(
      "cgroup-parent",
      `cannot use --cgroup-parent ${parent}: ${errnoText(errnoCode(cause)) ?? "it cannot be made"}`,
      { cause, hint: "name a group that was delegated to you, or one inside it" },
    );
  }
  const controllers = (readIfExists(join(path, "cgroup.controllers")) ?? "").split(/\s+/).filter(Boolean);
  return { path, controllers };
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
      hint: `have it delegated (with systemd: Delegate=yes in user@.service, then "systemd-run --user --scope kelp …"), leave ${origin} out, or use --cgroups=disabled to run without limits`,
    },
  );
}

/** Ends what is left in a container's group and removes it: for one whose monitor was killed and could not. */
export function removeCgroup(ctx: Context, id: string): void {
  const cgroup = cgroupOf(ctx, id);
  if (cgroup === undefined) return;
  try {
    writeFileSync(join(cgroup.path, "cgroup.kill"), "1");
  } catch {
    // It went with its container, or the kernel is older than the file: the container's processes died with their monitor.
  }
  for (const path of new Set([cgroup.processes, cgroup.path])) {
    try {
      rmdirSync(path);
    } catch {
      // Gone already, or some process is not reaped yet: an empty group costs nothing and the next start takes it over.
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
 * The group for one more process of a container.
 *
 * @throws {HostError} if it has limits and this process may not put others into its group
 */
export function execCgroup(ctx: Context, { id, config }: ContainerRecord): string | undefined {
  const cgroup = cgroupOf(ctx, id);
  if (cgroup === undefined || mayEnterCgroup(cgroup.processes)) return cgroup?.processes;
  if (Object.keys(config.resources).length === 0) return undefined;
  throw new HostError(
    "cgroup-unreachable",
    `cannot execute in container ${id}: its limits would not hold: this shell may not put processes into ${dirname(cgroup.processes)}`,
    { hint: "run kelp exec in the session in which the container was started" },
  );
}
