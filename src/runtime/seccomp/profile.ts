/** Profiles in Docker's and podman's JSON form (--security-opt seccomp=FILE), made ready for libseccomp. */
import { readFileSync } from "node:fs";
import { errnoCode, UsageError } from "../../base/index.ts";
import { errnoText, type SeccompArg, type SeccompProgram, type SeccompRule } from "../../host/index.ts";
import type { SpecSeccomp, SpecSeccompArg } from "../../oci/index.ts";
import type { FilterArch } from "./arch.ts";

/** The text of a profile file. */
export function readProfile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const reason = errnoText(errnoCode(cause)) ?? (cause as Error).message;
    throw new UsageError(
      "invalid-seccomp-profile",
      `opening seccomp profile failed: open ${path}: ${reason}`,
      { cause },
    );
  }
}

/** What of the JSON is looked at; every field is checked before it is used. */
interface ProfileRule {
  readonly names?: unknown;
  readonly name?: unknown;
  readonly action?: unknown;
  readonly errnoRet?: unknown;
  readonly args?: unknown;
  readonly includes?: unknown;
  readonly excludes?: unknown;
}

/** libseccomp's numbers for the actions; ERRNO takes its value in the low bits. */
const ACTIONS: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};
const OPS: Readonly<Record<string, SeccompArg["op"]>> = {
  SCMP_CMP_NE: "NE",
  SCMP_CMP_LT: "LT",
  SCMP_CMP_LE: "LE",
  SCMP_CMP_EQ: "EQ",
  SCMP_CMP_GE: "GE",
  SCMP_CMP_GT: "GT",
  SCMP_CMP_MASKED_EQ: "MASKED_EQ",
};
/** Go's names of the architectures in `includes.arches`. */
const GO_ARCHES: Readonly<Record<FilterArch, readonly string[]>> = {
  x86_64: ["amd64", "x86", "x32"],
  aarch64: ["arm64", "arm"],
};
const NATIVE: Readonly<Record<FilterArch, string>> = {
  x86_64: "SCMP_ARCH_X86_64",
  aarch64: "SCMP_ARCH_AARCH64",
};
const EPERM = 1;

/**
 * @param text the file
 * @param capabilities the container's bounding set: rules may depend on it
 * @throws {UsageError} naming what is wrong with the profile; what is not understood is never skipped
 */
export function parseProfile(
  text: string,
  arch: FilterArch,
  capabilities: ReadonlySet<string>,
): SeccompProgram {
  const profile = parseObject(text);
  const rules: SeccompRule[] = [];
  for (const item of array(profile.syscalls, "syscalls")) {
    const rule = object(item, "syscalls") as ProfileRule;
    if (applies(rule, arch, capabilities)) rules.push(...toRules(rule));
  }
  return {
    arches: profileArches(profile, arch),
    defaultErrno: 0,
    defaultAction: action(profile.defaultAction, profile.defaultErrnoRet),
    rules,
  };
}

/**
 * The profile in the specification's form: the rules that hold for these capabilities, without their conditions.
 *
 * @throws {UsageError} as `parseProfile`
 */
export function ociProfile(text: string, arch: FilterArch, capabilities: ReadonlySet<string>): SpecSeccomp {
  parseProfile(text, arch, capabilities);
  const profile = parseObject(text);
  const rules = array(profile.syscalls, "syscalls")
    .map((item) => object(item, "syscalls") as ProfileRule)
    .filter((rule) => applies(rule, arch, capabilities));
  return {
    defaultAction: String(profile.defaultAction),
    ...errnoPart("defaultErrnoRet", profile.defaultErrnoRet),
    architectures: profileArches(profile, arch).map((name) => `SCMP_ARCH_${name.toUpperCase()}`),
    syscalls: rules.map((rule) => ({
      names: rule.names === undefined ? [String(rule.name)] : strings(rule.names, "names"),
      action: String(rule.action),
      ...errnoPart("errnoRet", rule.errnoRet),
      ...argsPart(rule.args),
    })),
  };
}

function errnoPart<K extends string>(key: K, value: unknown): { [P in K]?: number } {
  return typeof value === "number" ? ({ [key]: value } as { [P in K]?: number }) : {};
}

function argsPart(value: unknown): { args?: readonly SpecSeccompArg[] } {
  const args = array(value, "args") as readonly SpecSeccompArg[];
  return args.length === 0 ? {} : { args };
}

function profileArches(profile: Readonly<Record<string, unknown>>, arch: FilterArch): string[] {
  const own = NATIVE[arch];
  const listed = array(profile.architectures, "architectures").map(String);
  for (const entry of array(profile.archMap, "archMap")) {
    const { architecture, subArchitectures } = object(entry, "archMap");
    if (architecture === own) listed.push(own, ...array(subArchitectures, "subArchitectures").map(String));
  }
  const names = [own, ...listed].map((name) => name.replace(/^SCMP_ARCH_/, "").toLowerCase());
  return [...new Set(names)];
}

function applies(rule: ProfileRule, arch: FilterArch, capabilities: ReadonlySet<string>): boolean {
  const includes = object(rule.includes ?? {}, "includes");
  const excludes = object(rule.excludes ?? {}, "excludes");
  const hasArch = (list: readonly string[]) => list.some((name) => GO_ARCHES[arch].includes(name));
  const onlyArches = strings(includes.arches, "arches");
  if (onlyArches.length > 0 && !hasArch(onlyArches)) return false;
  if (hasArch(strings(excludes.arches, "arches"))) return false;
  if (!strings(includes.caps, "caps").every((name) => capabilities.has(name))) return false;
  // kelp needs a newer kernel than any minKernel there is, so that condition always holds.
  return !strings(excludes.caps, "caps").some((name) => capabilities.has(name));
}

function toRules(rule: ProfileRule): SeccompRule[] {
  const names = rule.names === undefined ? [String(rule.name)] : strings(rule.names, "names");
  const word = action(rule.action, rule.errnoRet);
  const args = array(rule.args, "args").map((item) => toArg(object(item, "args")));
  return names.map((name) => ({ name, errno: 0, action: word, ...(args.length === 0 ? {} : { args }) }));
}

function toArg(arg: Readonly<Record<string, unknown>>): SeccompArg {
  const op = OPS[String(arg.op)];
  const index = Number(arg.index);
  if (op === undefined || !Number.isInteger(index) || index < 0 || index > 5)
    throw invalid(`argument rule ${JSON.stringify(arg)}`);
  return { index, op, a: word64(arg.value), b: word64(arg.valueTwo ?? 0) };
}

function word64(value: unknown): bigint {
  if (typeof value !== "number" || !Number.isSafeInteger(value))
    throw invalid(`argument value ${JSON.stringify(value)}`);
  return BigInt.asUintN(64, BigInt(value));
}

function action(name: unknown, errno: unknown): number {
  const word = ACTIONS[String(name)];
  if (word === undefined) throw invalid(`action ${JSON.stringify(name)}`);
  if (name !== "SCMP_ACT_ERRNO") return word;
  const value = errno === undefined || errno === null ? EPERM : Number(errno);
  if (!Number.isInteger(value) || value < 0 || value > 4095)
    throw invalid(`errnoRet ${JSON.stringify(errno)}`);
  return word | value;
}

function parseObject(text: string): Record<string, unknown> {
  try {
    return object(JSON.parse(text), "profile") as Record<string, unknown>;
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(
      "invalid-seccomp-profile",
      `decoding seccomp profile failed: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function object(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw invalid(where);
}

function array(value: unknown, where: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw invalid(where);
}

function strings(value: unknown, where: string): readonly string[] {
  const list = array(value, where);
  if (list.every((item) => typeof item === "string")) return list as readonly string[];
  throw invalid(where);
}

function invalid(what: string): UsageError {
  return new UsageError(
    "invalid-seccomp-profile",
    `decoding seccomp profile failed: ${what} is not understood`,
  );
}
