/** The last steps of a process of a container, up to execve. The same for start and exec. */
import type { SpecProcess } from "../oci/index.ts";
import type { RuntimeFacts } from "./facts.ts";
import { TOLERATE } from "./plan/ops.ts";
import type { PlanBuilder } from "./plan-builder.ts";
import { capabilityMask } from "./spec-capabilities.ts";
import { RLIMITS } from "./spec-resources.ts";

/** holdfast's word for leaving the groups alone. */
const KEEP_GROUPS = 0xffffffff;
const UNLIMITED = 0xffffffffffffffffn;

export interface ProcessInput {
  readonly process: SpecProcess;
  readonly facts: RuntimeFacts;
  readonly seccomp: Uint8Array | undefined;
  readonly keepFds?: number;
  readonly pidVariable?: string | undefined;
  /** --group-add keep-groups: those of the caller, unchanged. */
  readonly keepGroups?: boolean;
  /** `exec` unless it is a health check's process. */
  readonly stage?: ProgramStage;
}

type ProgramStage = "exec" | "check" | "startup";

/**
 * The filter is installed with the capabilities still there unless no_new_privs is set, because the kernel
 * asks for one or the other; then it is the very last step, so that it need not allow what comes before.
 */
export function lowerProcess(plan: PlanBuilder, input: ProcessInput): void {
  const { process, seccomp, stage = "exec" } = input;
  const origin = "default";
  plan.add(stage, "session", {}, { origin });
  // Not every kernel and quota gives a keyring; seccomp keeps the process from all keyrings anyway.
  plan.add(stage, "keyring", { name: "_ses.kelp" }, { origin, tolerate: TOLERATE.any });
  lowerRlimits(plan, process, stage);
  plan.add(stage, "umask", { mask: process.user.umask ?? 0o022 }, { origin: "--umask" });
  plan.add(stage, "chdir", { path: process.cwd }, { origin: "--workdir" });
  const filter = () => {
    if (seccomp !== undefined)
      plan.add(stage, "seccomp", { flags: 0, filter: seccomp }, { origin: "seccomp" });
  };
  if (!process.noNewPrivileges) filter();
  lowerCredentials(plan, input);
  if (process.noNewPrivileges)
    plan.add(stage, "noNewPrivileges", {}, { origin: "--security-opt no-new-privileges" });
  if (stage === "exec") plan.add("exec", "keepFds", { count: input.keepFds ?? 0 }, { origin });
  if (input.pidVariable !== undefined)
    plan.add("exec", "pidVariable", { name: input.pidVariable }, { origin: "LISTEN_FDS" });
  if (process.noNewPrivileges) filter();
  plan.add(
    stage,
    "execve",
    { argv: process.args, env: process.env, search: searchPath(process.env) },
    { origin: "command" },
  );
}

function lowerRlimits(plan: PlanBuilder, process: SpecProcess, stage: ProgramStage): void {
  const value = (limit: number) => (limit < 0 ? UNLIMITED : BigInt(limit));
  for (const { type, soft, hard } of process.rlimits ?? []) {
    plan.add(
      stage,
      "rlimit",
      { resource: RLIMITS[type]!, soft: value(soft), hard: value(hard) },
      { origin: `--ulimit ${type.slice(7).toLowerCase()}` },
    );
  }
}

function lowerCredentials(
  plan: PlanBuilder,
  { process, facts, keepGroups, stage = "exec" }: ProcessInput,
): void {
  const { user, capabilities } = process;
  const mask = (names: readonly string[]) => capabilityMask(names, facts.lastCap);
  const list = facts.singleId || keepGroups === true ? [KEEP_GROUPS] : (user.additionalGids ?? []);
  const groups = new Uint8Array(Uint32Array.from(list).buffer);
  plan.add(
    stage,
    "credentials",
    {
      uid: user.uid,
      gid: user.gid,
      groups,
      bounding: mask(capabilities.bounding),
      effective: mask(capabilities.effective),
      permitted: mask(capabilities.permitted),
      inheritable: mask(capabilities.inheritable),
      ambient: mask(capabilities.ambient),
    },
    { origin: "--user" },
  );
}

/** Where a command without a slash is looked for: the PATH of the process itself. */
function searchPath(env: readonly string[]): string[] {
  const entry = env.findLast((word) => word.startsWith("PATH="));
  const path = entry?.slice("PATH=".length) ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  return path.split(":").filter((dir) => dir !== "");
}
