/** Beneath which control group a container gets its own: whom that has to be asked of, and whether it can be had. */
import { mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errnoCode, HostError, UsageError } from "../base/index.ts";
import { hostEnvironment } from "../config/index.ts";
import {
  type CgroupDelegation,
  cgroupMount,
  controllersOf,
  enterCgroup,
  errnoText,
  findDelegatedCgroup,
  findOwnCgroup,
} from "../host/index.ts";
import type { ContainerConfig, ContainerRecord, Context } from "../state/index.ts";
import { hasUserManager } from "../systemd/index.ts";

/** The monitor's group beside its container's, and that of kelp and the client; podman's name for it. */
export const MONITOR_GROUP = "runtime";
/** The container's own group inside its scope. */
const PAYLOAD = "container";

/** Where a container's group will be, as far as that is known before anything is made. */
export type CgroupHome =
  /** A scope that systemd makes, in this slice. */
  | { readonly manager: "systemd"; readonly slice: string }
  /** The group that kelp itself is in, which is split in two. */
  | { readonly manager: "split" }
  /** A group that was delegated to us. */
  | { readonly manager: "cgroupfs"; readonly delegation: CgroupDelegation };

/**
 * The user's systemd where there is one: whoever makes groups behind its back finds their controllers gone the next
 * time it looks at them.
 *
 * @param isService the container is what a unit of the service manager is about: the unit's limits and life are its own
 * @throws {HostError} for a manager or parent that was asked for and cannot be had
 */
export function cgroupHome(ctx: Context, config: ContainerConfig, isService = false): CgroupHome {
  const { cgroups, cgroupParent } = config;
  if (cgroupParent === undefined && (cgroups === "split" || isService)) return { manager: "split" };
  // The monitor is to stay with its caller: a scope would take it along.
  if (cgroups !== "no-conmon" && cgroupManager(ctx, config) === "systemd") {
    requireManager();
    return { manager: "systemd", slice: sliceName(cgroupParent) };
  }
  return {
    manager: "cgroupfs",
    delegation: cgroupParent === undefined ? findDelegatedCgroup() : parentGroup(cgroupParent),
  };
}

/** systemd or cgroupfs: as the container was made, as the settings say, or whatever is there. */
export function cgroupManager(
  ctx: Context,
  config: Pick<ContainerConfig, "cgroupManager">,
): "systemd" | "cgroupfs" {
  if ((config.cgroupManager ?? ctx.settings.cgroupManager) === "cgroupfs") return "cgroupfs";
  return config.cgroupManager ?? (hasUserManager(hostEnvironment()) ? "systemd" : "cgroupfs");
}

function requireManager(): void {
  if (hasUserManager(hostEnvironment())) return;
  throw new HostError(
    "no-user-manager",
    "cannot use --cgroup-manager systemd: this user has no systemd of its own running",
    {
      hint: "log in through systemd-logind or enable lingering (kelp doctor user-session), or use --cgroup-manager cgroupfs",
    },
  );
}

function sliceName(parent: string | undefined): string {
  if (parent === undefined) return "user.slice";
  const name = basename(parent);
  if (name.endsWith(".slice")) return name;
  throw new UsageError(
    "invalid-cgroup-parent",
    `invalid --cgroup-parent ${parent}: did not receive systemd slice as cgroup parent when using systemd to manage cgroups: invalid argument`,
    { hint: "Name a slice (NAME.slice), or use --cgroup-manager cgroupfs." },
  );
}

/** --cgroup-parent: a path from the root of the hierarchy. */
function parentGroup(parent: string): CgroupDelegation {
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
  return { path, controllers: controllersOf(path) };
}

/** A home that is there, and the name of the container's group in it. */
export interface MadeHome {
  readonly delegation: CgroupDelegation;
  readonly name: string;
}

/**
 * Makes the home. For a scope and for `split` this process moves, and with it whatever it starts or becomes: a process
 * can only be born in the container's group by one that is near it.
 */
export async function makeHome(home: CgroupHome, { id, name }: ContainerRecord): Promise<MadeHome> {
  const own = `kelp-${id}`;
  if (home.manager === "cgroupfs") return { delegation: home.delegation, name: own };
  if (home.manager === "split") return { delegation: split(), name: own };
  const { enterScope } = await import("./cgroup-scope.ts");
  await enterScope({ name: `${own}.scope`, slice: home.slice, description: `kelp container ${name}` });
  return { delegation: split(), name: PAYLOAD };
}

/** Moves this process aside, so that its group can give controllers to groups inside it. */
function split(): CgroupDelegation {
  const own = findOwnCgroup();
  if ("reason" in own) return own;
  const path = basename(own.path) === MONITOR_GROUP ? dirname(own.path) : own.path;
  if (path === own.path) enterCgroup(join(path, MONITOR_GROUP));
  return { path, controllers: controllersOf(path) };
}
