/** Capability names, sets and what --cap-add, --cap-drop, --privileged and the user make of them. */
import { UsageError } from "../base/index.ts";
import type { SpecCapabilities } from "../oci/index.ts";
import type { ContainerConfig } from "../state/index.ts";

/** By number, as the kernel's capability.h numbers them. */
export const CAPABILITIES: readonly string[] = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE " +
  "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN " +
  "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE " +
  "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
)
  .split(" ")
  .map((name) => `CAP_${name}`);

const DEFAULT =
  "CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"
    .split(" ")
    .map((name) => `CAP_${name}`);

/** What a container gets without any flag: podman's set, which leaves out NET_RAW and MKNOD. */
export function defaultCapabilities(): readonly string[] {
  return DEFAULT;
}

/** `CAP_X` for `x`, `X`, `cap_x`; `ALL` stays. */
export function capabilityName(word: string): string {
  const upper = word.toUpperCase();
  if (upper === "ALL") return upper;
  const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  if (CAPABILITIES.includes(name)) return name;
  throw new UsageError(
    "unknown-capability",
    `invalid capability ${JSON.stringify(word)}: unknown capability`,
    {
      hint: "capabilities(7) lists the names; ALL stands for all of them",
    },
  );
}

/** The bounding set. Drops win over the default, adds over a dropped ALL; the same name in both is an error. */
function boundingSet(input: Omit<CapabilityInput, "uid">): string[] {
  const all = CAPABILITIES.slice(0, input.lastCap + 1);
  const add = input.add.map(capabilityName);
  const drop = input.drop.map(capabilityName);
  const both = add.find((name) => drop.includes(name));
  if (both !== undefined) {
    throw new UsageError("capability-conflict", `capability ${both} cannot be dropped and added`);
  }
  const base = input.privileged || add.includes("ALL") ? all : drop.includes("ALL") ? [] : DEFAULT;
  const wanted = new Set([...base, ...add.filter((name) => name !== "ALL")]);
  return all.filter((name) => wanted.has(name) && !drop.includes(name));
}

export interface CapabilityInput {
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly privileged: boolean;
  readonly uid: number;
  readonly lastCap: number;
}

/** Whether any process of such a container may come to have the capability. */
export function mayHave(
  { capAdd, capDrop, privileged }: Pick<ContainerConfig, "capAdd" | "capDrop" | "privileged">,
  capability: string,
): boolean {
  const lastCap = CAPABILITIES.length - 1;
  return boundingSet({ add: capAdd, drop: capDrop, privileged, lastCap }).includes(capability);
}

/**
 * The five sets of the process. Root has the bounding set and nothing inheritable; another user has
 * exactly what --cap-add names, ambient, so that it survives the execve of a plain program.
 */
export function resolveCapabilities(input: CapabilityInput): SpecCapabilities {
  const bounding = boundingSet(input);
  if (input.uid === 0) {
    return { bounding, effective: bounding, permitted: bounding, inheritable: [], ambient: [] };
  }
  const add = input.add.map(capabilityName);
  const own = bounding.filter((name) => add.includes(name) || (add.includes("ALL") && !input.privileged));
  return { bounding, effective: own, permitted: own, inheritable: own, ambient: own };
}

/** The kernel's bit mask of a set; names this kernel lacks are left out. */
export function capabilityMask(names: readonly string[], lastCap: number): bigint {
  let mask = 0n;
  for (const name of names) {
    const number = CAPABILITIES.indexOf(name);
    if (number >= 0 && number <= lastCap) mask |= 1n << BigInt(number);
  }
  return mask;
}
