/** The plan of one more process in a running container. */
import type { SpecNamespace, SpecProcess } from "../oci/index.ts";
import type { RuntimeFacts } from "./facts.ts";
import { CLONE, O } from "./kernel.ts";
import { BASE_NAMESPACES } from "./lower-base.ts";
import { lowerCgroupEntry } from "./lower-cgroup.ts";
import { lowerClient } from "./lower-config.ts";
import { namespaceFlags } from "./lower-namespaces.ts";
import { lowerProcess } from "./lower-process.ts";
import { lowerExecOomScore } from "./lower-settings.ts";
import type { ClientConfig } from "./monitor-config.ts";
import { NO_SLOT, type Plan } from "./plan/ops.ts";
import { PlanBuilder, SLOT } from "./plan-builder.ts";

export interface ProcessIdentity {
  readonly pid: number;
  readonly start: bigint;
}

export interface LowerExecInput {
  readonly process: SpecProcess;
  /** The container's, from its specification. */
  readonly namespaces: readonly SpecNamespace[];
  /** From the status file: the monitor gives the base namespaces, the first process the container's. */
  readonly monitor: ProcessIdentity;
  readonly init: ProcessIdentity;
  readonly facts: RuntimeFacts;
  /** Path of the group that the container's processes are in. */
  readonly cgroup?: string | undefined;
  readonly seccomp?: Uint8Array | undefined;
  /** `attach` false: the process runs on by itself (exec -d). */
  readonly client: ClientConfig;
  /** The container was made with --group-add keep-groups. */
  readonly keepGroups?: boolean;
  /** --preserve-fds. */
  readonly keepFds?: number;
  readonly onFailure: { readonly argv: readonly string[]; readonly env: readonly string[] };
}

/**
 * Joined by the process itself, not by its parent: where cgroup namespaces are boundaries (mount option nsdelegate, which
 * systemd sets), nobody in one can have a child in a group seen from without. Its own user namespace has no power over
 * that, so both come together.
 */
const LATE_NAMESPACES = CLONE.NEWCGROUP | CLONE.NEWUSER;

/**
 * Enters by the pidfd of the container's first process, compared by start time, so that a pid given out
 * again is never entered. Pure.
 */
export function lowerExec(input: LowerExecInput): Plan {
  const { process, client } = input;
  const namespaces = namespaceFlags(input.namespaces);
  const plan = new PlanBuilder();
  const stdin = client.attach && client.stdin ? 1 : 0;
  plan.add("config", "container", {
    cloneFlags: 0n,
    tty: process.terminal ? 1 : 0,
    stdin,
    init: 0,
    stopSignal: 0,
    stopMs: 0,
    cgroup: input.cgroup === undefined ? NO_SLOT : SLOT.cgroup,
  });
  lowerClient(plan, client);
  plan.add("config", "onFailure", input.onFailure);
  const { pid, start } = input.monitor;
  plan.add(
    "launch",
    "joinHolder",
    { pid, start, namespaces: BASE_NAMESPACES },
    { origin: "the container's monitor" },
  );
  if (input.cgroup !== undefined) lowerCgroupEntry(plan, input.cgroup);
  plan.add("monitor", "reexecReadOnly", {}, { origin: "default" });
  plan.add(
    "monitor",
    "openPid",
    { ...input.init, into: SLOT.holder },
    { origin: "the container's first process" },
  );
  plan.add(
    "monitor",
    "joinPid",
    { slot: SLOT.holder, namespaces: namespaces & ~LATE_NAMESPACES },
    { origin: "the container's first process" },
  );
  if ((namespaces & LATE_NAMESPACES) !== 0n)
    plan.add(
      "setup",
      "joinPid",
      { slot: SLOT.holder, namespaces: namespaces & LATE_NAMESPACES },
      { origin: "the container's first process" },
    );
  // The maker of a terminal is its owner, and has to be somebody in there.
  if (input.namespaces.some(({ type }) => type === "user"))
    plan.add("setup", "becomeRoot", {}, { origin: "--userns" });
  if (process.terminal) {
    const { height = 0, width = 0 } = process.consoleSize ?? {};
    plan.add(
      "setup",
      "openPath",
      { path: "/", flags: O.PATH | O.DIRECTORY, into: SLOT.root },
      { origin: "--tty" },
    );
    plan.add(
      "setup",
      "openPty",
      {
        root: SLOT.root,
        path: "dev/pts/ptmx",
        rows: height,
        columns: width,
        uid: process.user.uid,
        into: SLOT.terminal,
      },
      { origin: "--tty" },
    );
  }
  lowerExecOomScore(plan, process.oomScoreAdj);
  lowerProcess(plan, {
    process,
    facts: input.facts,
    seccomp: input.seccomp,
    keepFds: input.keepFds ?? 0,
    keepGroups: input.keepGroups === true,
  });
  return plan.build();
}
