/**
 * Our own filter: a part of ours that looks at arguments and at calls younger than libseccomp, then
 * the part libseccomp makes, which knows the numbers of every call on every architecture.
 */
import type { SeccompLibrary } from "../../host/index.ts";
import type { FilterArch } from "./arch.ts";
import { Assembler, DATA, encodeProgram, type Instruction, SECCOMP } from "./bpf.ts";
import { ALLOWED_NEW, type Condition, conditions, ENOSYS, EPERM, verdicts } from "./rules.ts";

/** libseccomp's names of the architectures a kernel runs programs of, its own first. */
const ARCHES: Readonly<Record<FilterArch, readonly string[]>> = {
  x86_64: ["x86_64", "x86", "x32"],
  aarch64: ["aarch64", "arm"],
};
/** AUDIT_ARCH words that seccomp_data carries. x32 has x86_64's, its calls have bit 30 set. */
const AUDIT: Readonly<Record<string, number>> = {
  x86_64: 0xc000003e,
  x32: 0xc000003e,
  x86: 0x40000003,
  aarch64: 0xc00000b7,
  arm: 0x40000028,
};
/** The 32-bit multiplexer hides the family from every filter. */
const SOCKETCALL = "socketcall";
/** Calls that the library knows under the multiplexer's number only, though the kernel has them by their own. */
const DIRECT: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  x86: { socket: 359, socketpair: 360 },
};

/** The filter's bytes for a machine and a set of capabilities. */
export function compileOwnFilter(
  library: SeccompLibrary,
  arch: FilterArch,
  capabilities: ReadonlySet<string>,
): Uint8Array {
  const { allowed, refused } = verdicts(capabilities);
  const rest = library.compile({
    arches: ARCHES[arch],
    defaultErrno: ENOSYS,
    rules: [
      ...allowed.map((name) => ({ name, errno: 0 })),
      ...refused.map((name) => ({ name, errno: EPERM })),
    ],
  });
  const first = encodeProgram(argumentPart(library, arch, conditions(capabilities)));
  return Buffer.concat([first, rest]);
}

/** Falls off its end for everything it has no objection to. */
export function argumentPart(
  library: SeccompLibrary,
  arch: FilterArch,
  list: readonly Condition[],
): Instruction[] {
  const asm = new Assembler();
  // x86_64 and x32 are told apart by the call's number alone.
  const groups = Map.groupBy(ARCHES[arch], (name) => AUDIT[name]!);
  asm.load(DATA.arch);
  for (const audit of groups.keys()) asm.ifEqual(audit, `arch${audit}`);
  asm.jump("end");
  for (const [audit, names] of groups) {
    asm.label(`arch${audit}`).load(DATA.nr);
    for (const name of names) emitDispatch(asm, library, name, list);
    if (names[0] === arch) emitNew(asm);
    asm.jump("end");
    for (const name of names) for (const condition of list) emitCondition(asm, library, name, condition);
  }
  asm
    .label("absent")
    .ret(SECCOMP.ERRNO | ENOSYS)
    .label("allow")
    .ret(SECCOMP.ALLOW);
  // Something must stand where "end" is; libseccomp's part begins with loads of its own.
  return asm.label("end").load(DATA.nr).build();
}

function emitDispatch(
  asm: Assembler,
  library: SeccompLibrary,
  arch: string,
  list: readonly Condition[],
): void {
  for (const { call } of list) {
    const number = callNumber(library, arch, call);
    if (number !== undefined) asm.ifEqual(number, `${arch} ${call}`);
  }
  const multiplexer = library.number(arch, SOCKETCALL);
  if (multiplexer !== undefined) asm.ifEqual(multiplexer, "absent");
}

function callNumber(library: SeccompLibrary, arch: string, call: string): number | undefined {
  return DIRECT[arch]?.[call] ?? library.number(arch, call);
}

/** Ordinary calls pay one comparison for the young ones. */
function emitNew(asm: Assembler): void {
  const numbers = Object.values(ALLOWED_NEW);
  const oldest = Math.min(...numbers);
  asm.ifAtLeast(oldest, "young").jump("end").label("young");
  for (const number of numbers) asm.ifEqual(number, "allow");
}

function emitCondition(asm: Assembler, library: SeccompLibrary, arch: string, condition: Condition): void {
  const { call, arg, demand, values, errno, pair } = condition;
  if (callNumber(library, arch, call) === undefined) return;
  const name = `${arch} ${call}`;
  asm.label(name).load(DATA.arg(arg));
  if (pair !== undefined) asm.ifEqual(pair.value, `${name} pair`);
  for (const value of values) {
    if (demand === "noBits") asm.ifAny(value, `${name} no`);
    else asm.ifEqual(value, demand === "oneOf" ? "end" : `${name} no`);
  }
  if (demand !== "oneOf") asm.jump("end");
  asm.label(`${name} no`).ret(SECCOMP.ERRNO | errno);
  if (pair === undefined) return;
  asm.label(`${name} pair`).load(DATA.arg(pair.arg));
  asm.ifEqual(pair.not, `${name} not`).jump("end");
  asm.label(`${name} not`).ret(SECCOMP.ERRNO | pair.errno);
}
