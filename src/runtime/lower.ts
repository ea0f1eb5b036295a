/** From an OCI runtime specification to the plan that holdfast carries out. */
import type { IdMaps, Paths } from "../host/index.ts";
import type { RuntimeSpec } from "../oci/index.ts";
import type { NetworkPlan, RootfsSource } from "../state/index.ts";
import type { RuntimeFacts } from "./facts.ts";
import { lowerBase } from "./lower-base.ts";
import { type CgroupConfig, lowerCgroup, lowerCgroupEnd, lowerCgroupNamespace } from "./lower-cgroup.ts";
import { lowerConfig, lowerFinish, lowerVanish } from "./lower-config.ts";
import { lowerDevices, lowerTerminal } from "./lower-devices.ts";
import { lowerEmulators } from "./lower-emulators.ts";
import { type HealthPlan, lowerHealth } from "./lower-health.ts";
import { lowerJoinedShm } from "./lower-joined-shm.ts";
import { lowerMasks } from "./lower-masks.ts";
import { lowerDevReadOnly, lowerMounts } from "./lower-mounts.ts";
import { lowerNamespaces, makesCgroupNamespace } from "./lower-namespaces.ts";
import { lowerInterfaces, lowerNetwork, lowerNetworkSlots, lowerPorts } from "./lower-network.ts";
import { lowerProcess } from "./lower-process.ts";
import { refuseUnsupported } from "./lower-refuse.ts";
import { lowerLinks, lowerRootfs, lowerRootReadOnly } from "./lower-rootfs.ts";
import { lowerSecrets, type SecretConfig } from "./lower-secrets.ts";
import { lowerHostProc, lowerOomScore, lowerSysctls } from "./lower-settings.ts";
import { lowerJoinedUsers, lowerOwnPorts, lowerOwnUsers, lowerRootOwner, ownUsers } from "./lower-users.ts";
import type { MonitorConfig } from "./monitor-config.ts";
import type { Plan } from "./plan/ops.ts";
import { PlanBuilder, SLOT } from "./plan-builder.ts";
import { KEEP_GROUPS_ANNOTATION } from "./spec.ts";

/** What a monitor whose container has ended may still take until it is gone. */
const CLAIM_WAIT_MS = 5000;

export interface LowerInput {
  readonly spec: RuntimeSpec;
  readonly rootfs: RootfsSource;
  readonly monitor: MonitorConfig;
  readonly maps: IdMaps;
  readonly paths: Paths;
  readonly facts: RuntimeFacts;
  /** Absent: the container has no network but its own loopback, or somebody else's. `own`: its monitor is in its namespace. */
  readonly network?: NetworkPlan | undefined;
  /** Bind sources that are not directories (`bindSources` finds them): their targets are made as files. */
  readonly fileSources: ReadonlySet<string>;
  /** What the kernel is to be told of emulators (`emulatorRule`), for an image of another architecture. */
  readonly emulators?: readonly string[];
  /** The compiled seccomp filter; undefined: none. */
  readonly seccomp?: Uint8Array | undefined;
  /** --preserve-fds: descriptors from 3 on that the process gets. */
  readonly keepFds?: number;
  /** The variable that tells the process its own pid (socket activation). */
  readonly pidVariable?: string | undefined;
  readonly secrets?: SecretConfig | undefined;
  /** The control group it gets; absent: it stays in the caller's. */
  readonly cgroup?: CgroupConfig | undefined;
  /** Absent: nobody looks after its health. */
  readonly health?: HealthPlan | undefined;
  /** Make the working directory if the image lacks it (the image's own WORKDIR, not --workdir's). */
  readonly createWorkdir?: boolean;
  /** Symbolic links of the root filesystem to be made anew, target by path. */
  readonly links?: Readonly<Record<string, string>>;
  /** The same, where the image has nothing. */
  readonly missingLinks?: Readonly<Record<string, string>>;
  /** Option or default behind a mount, by destination; for --explain and errors. */
  readonly origins?: ReadonlyMap<string, string>;
}

/**
 * Lowers a specification to a plan.
 *
 * Pure: reads no file and no environment, so equal inputs give equal plans and a golden file can
 * stand for the whole policy. What depends on the machine arrives in `facts`, `maps` and `fileSources`.
 *
 * Masks and read-only paths come after all mounts: earlier they would be undone by a later mount on a parent.
 * Targets are resolved beneath the root's descriptor, those in /proc, /sys and /dev without following any link.
 *
 * @throws {HostError} naming the field of the specification that holdfast cannot honour.
 */
export function lowerSpec(input: LowerInput): Plan {
  const { spec, facts, network } = input;
  refuseUnsupported(spec);
  const users = ownUsers(spec);
  const plan = new PlanBuilder();
  lowerConfig(plan, input);
  lowerSurroundings(plan, input);
  if (input.cgroup !== undefined && makesCgroupNamespace(spec)) lowerCgroupNamespace(plan);
  lowerNamespaces(plan, spec);
  lowerJoinedUsers(plan, spec);
  lowerJoinedShm(plan, spec);
  lowerInterfaces(plan, network?.interfaces ?? []);
  lowerSecrets(plan, spec, input.secrets);
  lowerRootOwner(plan, spec, input.rootfs);
  lowerRootfs(plan, input);
  lowerLinks(plan, input);
  lowerMounts(plan, input);
  lowerDevices(plan, spec);
  if (spec.process.terminal) lowerTerminal(plan, spec);
  lowerDevReadOnly(plan, spec);
  lowerHostProc(plan, spec);
  lowerOwnPorts(plan, spec);
  lowerSysctls(plan, spec);
  lowerOomScore(plan, spec);
  lowerMasks(plan, spec);
  if (input.createWorkdir) {
    const path = spec.process.cwd.slice(1);
    if (path !== "") {
      plan.add(
        "setup",
        "makeDir",
        { root: SLOT.root, path, mode: 0o755, uid: users?.uid(0) ?? 0, gid: users?.gid(0) ?? 0 },
        { origin: "image WORKDIR" },
      );
    }
  }
  lowerRootReadOnly(plan, spec);
  plan.add("setup", "pivotRoot", { root: SLOT.root }, { origin: "default" });
  lowerOwnUsers(plan, spec);
  lowerProcess(plan, {
    process: spec.process,
    facts,
    seccomp: input.seccomp,
    keepFds: input.keepFds ?? 0,
    pidVariable: input.pidVariable,
    keepGroups: spec.annotations?.[KEEP_GROUPS_ANNOTATION] === "1",
  });
  lowerCgroupEnd(plan, input.cgroup);
  if (input.health !== undefined) {
    const { namespaces } = spec.linux;
    lowerHealth(plan, input.health, { namespaces, facts, seccomp: input.seccomp });
  }
  lowerFinish(plan, input);
  lowerVanish(plan, input);
  return plan.build();
}

/** Everything outside of the container: ports, base namespaces, emulators, shared network, cgroup. */
export function lowerSurroundings(plan: PlanBuilder, input: LowerInput): void {
  const { network } = input;
  lowerPorts(plan, network?.ports ?? []);
  lowerBase(plan, { ...input, holders: network?.holders, ownNetwork: network?.own });
  plan.add("monitor", "reexecReadOnly", {}, { origin: "default" });
  lowerEmulators(plan, input.emulators ?? []);
  lowerNetwork(plan, network, input.cgroup);
  plan.add("monitor", "registerHolder", {}, { origin: "default" });
  // Two processes that write to the same upper directory would destroy it. Nothing but the kernel knows for sure.
  plan.add(
    "monitor",
    "claim",
    { directory: input.monitor.containerDir, waitMs: CLAIM_WAIT_MS },
    { origin: "one life at a time" },
  );
  lowerNetworkSlots(plan, network);
  lowerCgroup(plan, input.cgroup);
}
