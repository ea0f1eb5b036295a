/** The plan of a container that an OCI runtime makes: what the runtime finds ready, and how it is driven. */
import type { RuntimeSpec } from "../../oci/index.ts";
import { MNT_DETACH } from "../kernel.ts";
import { type LowerInput, lowerSurroundings } from "../lower.ts";
import { lowerCgroupEnd } from "../lower-cgroup.ts";
import { lowerConfig, lowerFinish, lowerVanish } from "../lower-config.ts";
import { healthRecords } from "../lower-health.ts";
import { lowerMountOwners } from "../lower-mounts.ts";
import { lowerNamespaces } from "../lower-namespaces.ts";
import { lowerInterfaces } from "../lower-network.ts";
import { mountRootfs } from "../lower-rootfs.ts";
import { lowerSecrets } from "../lower-secrets.ts";
import { lowerHostProc, lowerSysctls } from "../lower-settings.ts";
import { lowerOwnPorts, lowerRootOwner } from "../lower-users.ts";
import { NO_SLOT, type Plan, TOLERATE } from "../plan/ops.ts";
import { PlanBuilder } from "../plan-builder.ts";
import { isNetworkSetting } from "./config-json.ts";
import {
  bundleFile,
  CONSOLE_SOCKET,
  type OciRuntime,
  type RuntimePlace,
  runtimeCommands,
  runtimeExec,
} from "./program.ts";

export interface ExternalInput extends LowerInput {
  readonly runtime: OciRuntime;
  readonly place: RuntimePlace;
  /** The runtime's environment. */
  readonly env: readonly string[];
  /** Files with the processes of the health checks. */
  readonly checkFile?: string;
  readonly startupFile?: string;
}

const ORIGIN = "--runtime";

/**
 * The runtime runs in the base user namespace, born in the container's network and cgroup: it joins what it inherits
 * and makes the rest from config.json. The root filesystem is mounted where it can find it. Pure, as `lowerSpec` is.
 */
export function lowerExternal(input: ExternalInput): Plan {
  const { runtime, place, env } = input;
  const keepFds = input.keepFds ?? 0;
  const { terminal } = input.spec.process;
  const commands = runtimeCommands(runtime, place, { tty: terminal, keepFds });
  const outside = outsideSpec(input.spec);
  const plan = new PlanBuilder();
  lowerConfig(plan, { ...input, spec: outside });
  const { start, kill, remove } = commands;
  plan.add(
    "config",
    "runtime",
    { pidFile: bundleFile.pid(place), console: terminal ? CONSOLE_SOCKET : "", start, kill, remove, env },
    { origin: ORIGIN },
  );
  lowerSurroundings(plan, input);
  // What a monitor that was killed has left.
  plan.add(
    "monitor",
    "run",
    { argv: remove, env, pidArg: NO_SLOT },
    { origin: ORIGIN, tolerate: TOLERATE.any },
  );
  mountRootfs(plan, input.rootfs);
  lowerNamespaces(plan, outside);
  lowerInterfaces(plan, input.network?.interfaces ?? []);
  lowerSecrets(plan, input.spec, input.secrets);
  lowerRootOwner(plan, input.spec, input.rootfs);
  lowerMountOwners(plan, input.spec);
  lowerHostProc(plan, outside);
  lowerOwnPorts(plan, outside);
  lowerSysctls(plan, outside);
  plan.add("exec", "keepFds", { count: keepFds }, { origin: "--preserve-fds" });
  plan.add("exec", "chdir", { path: place.bundle }, { origin: ORIGIN });
  plan.add("exec", "execve", { argv: commands.create, env, search: [] }, { origin: ORIGIN });
  lowerChecks(plan, input);
  lowerCgroupEnd(plan, input.cgroup);
  if (input.rootfs.kind === "overlay")
    plan.add("finish", "unmount", { path: input.rootfs.merged, flags: MNT_DETACH }, { origin: ORIGIN });
  // The environment is in it, with its secrets.
  plan.add("finish", "removeFile", { path: bundleFile.config(place) }, { origin: ORIGIN });
  lowerFinish(plan, input);
  lowerVanish(plan, input);
  return plan.build();
}

/** What of the specification is done before the runtime runs: the network and its settings. */
function outsideSpec(spec: RuntimeSpec): RuntimeSpec {
  const { sysctl = {}, namespaces } = spec.linux;
  const own = Object.entries(sysctl).filter(([key]) => isNetworkSetting(key));
  const { oomScoreAdj: _score, ...process } = spec.process;
  return {
    ...spec,
    process,
    mounts: [],
    linux: {
      ...spec.linux,
      namespaces: namespaces.filter(({ type }) => type === "network"),
      sysctl: Object.fromEntries(own),
    },
  };
}

/** A check is the runtime's exec: it joins no namespace itself. */
function lowerChecks(plan: PlanBuilder, input: ExternalInput): void {
  const { health, runtime, place, env } = input;
  if (health === undefined || input.checkFile === undefined) return;
  healthRecords(plan, health, 0n);
  const check = (stage: "check" | "startup", file: string) =>
    plan.add(
      stage,
      "execve",
      { argv: runtimeExec(runtime, place, file), env, search: [] },
      { origin: ORIGIN },
    );
  check("check", input.checkFile);
  if (input.startupFile !== undefined) check("startup", input.startupFile);
}
