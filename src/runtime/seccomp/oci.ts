/** The same filters in the specification's words, for an OCI runtime to compile. */
import type { RuntimeSpec, SpecSeccomp, SpecSeccompRule } from "../../oci/index.ts";
import type { ContainerConfig } from "../../state/index.ts";
import { parseSecurityOptions } from "../spec-security.ts";
import { ARCH, type FilterArch } from "./arch.ts";
import { ociProfile, readProfile } from "./profile.ts";
import { ALLOWED_NEW, type Condition, conditions, ENOSYS, EPERM, verdicts } from "./rules.ts";

/**
 * Without 32-bit x86, whose `socketcall` hides from a rule which family is asked for: what the specification's words
 * cannot refuse is not allowed. holdfast's own filter can, and runs such programs.
 */
const ARCHITECTURES: Readonly<Record<FilterArch, readonly string[]>> = {
  x86_64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X32"],
  aarch64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
};
const LOW_WORD = 0xffffffff;
const ALLOW = "SCMP_ACT_ALLOW";

/**
 * @returns undefined for a container without a filter
 * @throws {UsageError} for a profile that cannot be read or understood
 */
export function ociSeccomp(spec: RuntimeSpec, config: ContainerConfig, arch = ARCH): SpecSeccomp | undefined {
  const { seccomp } = parseSecurityOptions(config.securityOpt);
  const capabilities = new Set(spec.process.capabilities.bounding);
  if (seccomp === "unconfined") return undefined;
  if (seccomp !== "default") return ociProfile(readProfile(seccomp), arch, capabilities);
  return config.privileged ? undefined : ownProfile(arch, capabilities);
}

function ownProfile(arch: FilterArch, capabilities: ReadonlySet<string>): SpecSeccomp {
  const demands = conditions(capabilities);
  const asked = new Set(demands.map(({ call }) => call));
  const { allowed, refused } = verdicts(capabilities);
  const free = [...allowed, ...Object.keys(ALLOWED_NEW)].filter((name) => !asked.has(name));
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: ENOSYS,
    architectures: ARCHITECTURES[arch],
    syscalls: [
      { names: free, action: ALLOW },
      { names: refused, action: "SCMP_ACT_ERRNO", errnoRet: EPERM },
      ...demands.flatMap(conditionRules),
    ],
  };
}

type Masked = readonly [arg: number, mask: number, value: number];

/** Only the low 32 bits count, as the kernel sees them: a comparison of all 64 could be walked around. */
function conditionRules({ call, arg, demand, values, errno, pair }: Condition): SpecSeccompRule[] {
  const refusal = (number: number) => ({ action: "SCMP_ACT_ERRNO", errnoRet: number });
  const rule = (outcome: { action: string; errnoRet?: number }, ...tests: Masked[]): SpecSeccompRule => ({
    names: [call],
    ...outcome,
    args: tests.map(([index, value, valueTwo]) => ({ index, value, valueTwo, op: "SCMP_CMP_MASKED_EQ" })),
  });
  if (demand === "noBits") {
    const bits = values.reduce((all, value) => (all | value) >>> 0, 0);
    const single = Array.from({ length: 32 }, (_, bit) => (bits & (1 << bit)) >>> 0).filter(
      (bit) => bit !== 0,
    );
    return [
      rule({ action: ALLOW }, [arg, bits, 0]),
      ...single.map((bit) => rule(refusal(errno), [arg, bit, bit])),
    ];
  }
  const refused = refusal(errno);
  const [listed, others] = demand === "oneOf" ? [{ action: ALLOW }, refused] : [refused, { action: ALLOW }];
  const paired = (value: number): SpecSeccompRule[] => {
    const here: Masked = [arg, LOW_WORD, value];
    if (pair?.value !== value) return [rule(listed, here)];
    return [
      rule(refusal(pair.errno), here, [pair.arg, LOW_WORD, pair.not]),
      ...allOthers([pair.not]).map(([mask, bits]) => rule(listed, here, [pair.arg, mask, bits])),
    ];
  };
  return [
    ...values.flatMap(paired),
    ...allOthers(values).map(([mask, value]) => rule(others, [arg, mask, value])),
  ];
}

/** Every 32-bit number but those, as (mask, value) pairs: the subtrees that a walk down the bits leaves aside. */
export function allOthers(values: readonly number[]): [number, number][] {
  const pairs: [number, number][] = [];
  const walk = (prefix: number, bit: number, inside: readonly number[]) => {
    if (bit < 0) return;
    const mask = bit === 0 ? LOW_WORD : ~((2 ** bit - 1) >>> 0) >>> 0;
    for (const digit of [0, 1]) {
      const value = (prefix | (digit * 2 ** bit)) >>> 0;
      const here = inside.filter((one) => (one & mask) >>> 0 === value);
      if (here.length === 0) pairs.push([mask, value]);
      else walk(value, bit - 1, here);
    }
  };
  walk(
    0,
    31,
    values.map((value) => value >>> 0),
  );
  return pairs;
}
