/** Limits of the process: rlimits, kernel settings of its namespaces, the OOM score. */
import { UsageError } from "../base/index.ts";
import type { SpecNamespace, SpecRlimit } from "../oci/index.ts";
import type { ContainerConfig, UlimitConfig } from "../state/index.ts";
import type { RuntimeFacts } from "./facts.ts";
import { hasNamespace } from "./spec-namespaces.ts";

/** Kernel numbers of the limits, by the specification's names. */
export const RLIMITS: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
};

/** podman's default for open files and processes. */
const DEFAULT_COUNT = 1048576;

/**
 * The flags' limits and the two defaults. -1 becomes the caller's own hard limit, and a default is lowered
 * to it; a limit asked for by number stays as it is, and the start fails if the kernel forbids it.
 */
export function makeRlimits(
  ulimits: readonly UlimitConfig[],
  facts: Pick<RuntimeFacts, "hardLimits">,
): SpecRlimit[] {
  if (ulimits.some((limit) => limit.name === "host")) return [];
  const result = new Map<string, SpecRlimit>();
  for (const type of ["RLIMIT_NOFILE", "RLIMIT_NPROC"]) {
    const value = atMost(DEFAULT_COUNT, facts.hardLimits[type] ?? -1);
    result.set(type, { type, soft: value, hard: value });
  }
  for (const { name, soft, hard } of ulimits) {
    const type = rlimitType(name);
    const most = facts.hardLimits[type] ?? -1;
    result.set(type, { type, soft: soft === -1 ? most : soft, hard: hard === -1 ? most : hard });
  }
  return [...result.values()];
}

function rlimitType(name: string): string {
  const upper = name.toUpperCase();
  const type = upper.startsWith("RLIMIT_") ? upper : `RLIMIT_${upper}`;
  if (type in RLIMITS) return type;
  throw new UsageError("invalid-ulimit", `invalid ulimit type: ${name}`);
}

/** -1 is unlimited. */
function atMost(value: number, limit: number): number {
  return limit === -1 || value <= limit ? value : limit;
}

/** The score and, where it had to be raised because only root may lower it, a line for the user. */
export function makeOomScore(
  config: ContainerConfig,
  facts: RuntimeFacts,
): { score?: number; notice?: string } {
  const wanted = config.oomScoreAdj;
  if (wanted === undefined) return {};
  if (wanted >= facts.oomScoreAdj) return { score: wanted };
  const notice = `Requested oom_score_adj=${wanted} is lower than the current one, changing to ${facts.oomScoreAdj}`;
  return { score: facts.oomScoreAdj, notice };
}

const IPC_KEYS = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$/;
const UTS_KEYS = ["kernel.domainname", "kernel.hostname"];

/**
 * Checks that every setting belongs to a namespace of the container's own.
 *
 * @throws {UsageError} for one that would change the host, and for words that could name another file.
 */
export function makeSysctls(
  sysctls: Readonly<Record<string, string>>,
  namespaces: readonly SpecNamespace[],
): Record<string, string> {
  for (const [key, value] of Object.entries(sysctls)) {
    const type = sysctlNamespace(key);
    if (type === undefined || !/^[\w./-]+$/.test(key) || key.includes("..")) {
      throw new UsageError("invalid-sysctl", `sysctl '${key}' is not allowed`, {
        hint: "only settings of a container's own namespaces can be set: net.*, kernel.shm*, kernel.msg*, kernel.sem, fs.mqueue.*",
      });
    }
    if (!hasNamespace(namespaces, type.namespace)) {
      throw new UsageError(
        "invalid-sysctl",
        `sysctl ${key}=${value} can't be set since ${type.words} Namespace set to host: invalid argument`,
      );
    }
  }
  return { ...sysctls };
}

/**
 * Of the settings' default `KEY=VALUE` words those that fit the container's namespaces: a default is no wish
 * of the user's, and with a namespace of the host it does not apply.
 */
export function applicableSysctls(
  words: readonly string[],
  modes: { readonly network: string; readonly ipc: string; readonly uts: string },
): string[] {
  return words.filter((word) => {
    const type = sysctlNamespace(word.split("=", 1)[0]!);
    return type === undefined || modes[type.namespace] !== "host";
  });
}

function sysctlNamespace(key: string): { namespace: "network" | "ipc" | "uts"; words: string } | undefined {
  const dotted = key.replaceAll("/", ".");
  if (dotted.startsWith("net.")) return { namespace: "network", words: "Network" };
  if (IPC_KEYS.test(dotted)) return { namespace: "ipc", words: "IPC" };
  if (UTS_KEYS.includes(dotted)) return { namespace: "uts", words: "UTS" };
  return undefined;
}
