/**
 * The system's libseccomp, where there is one: it knows the numbers of system calls on every
 * architecture and compiles lists of them. Loading takes milliseconds; results are kept by the caller.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadKoffi } from "./koffi.ts";

/** A comparison of one argument, in the library's words (`EQ`, `MASKED_EQ`, …). */
export interface SeccompArg {
  readonly index: number;
  readonly op: "NE" | "LT" | "LE" | "EQ" | "GE" | "GT" | "MASKED_EQ";
  readonly a: bigint;
  readonly b: bigint;
}

export interface SeccompRule {
  readonly name: string;
  /** 0 allows; anything else is the errno the caller gets. */
  readonly errno: number;
  readonly args?: readonly SeccompArg[];
  /** libseccomp's own action word in place of `errno`: killing, tracing, logging. */
  readonly action?: number;
}

export interface SeccompProgram {
  /** libseccomp's names; the first need not be this machine's. */
  readonly arches: readonly string[];
  readonly defaultErrno: number;
  readonly defaultAction?: number;
  readonly rules: readonly SeccompRule[];
}

export interface SeccompLibrary {
  /** The filter as the kernel takes it. Names unknown to the library are left out. */
  compile(program: SeccompProgram): Uint8Array;
  /** The call's number on an architecture, undefined if it has none of that name. */
  number(arch: string, name: string): number | undefined;
}

/** The part of koffi's interface that is used here. */
interface KoffiLibrary {
  // biome-ignore lint/suspicious/noExplicitAny: the types of a foreign function are its prototype's
  func(prototype: string): (...values: unknown[]) => any;
  func(name: string, result: string, parameters: readonly unknown[]): (...values: unknown[]) => number;
}
interface KoffiTypes {
  load(name: string): KoffiLibrary;
  struct(fields: Readonly<Record<string, string>>): unknown;
  pointer(type: unknown): unknown;
}

const ALLOW = 0x7fff0000;
const ERRNO = 0x00050000;
const OPS = { NE: 1, LT: 2, LE: 3, EQ: 4, GE: 5, GT: 6, MASKED_EQ: 7 } as const;
/** Rules become a search tree instead of a list. */
const ATTRIBUTE_OPTIMIZE = 8;
const UNKNOWN = -1;

/** The library, or undefined where the machine has none. */
export function loadLibSeccomp(): SeccompLibrary | undefined {
  const koffi = loadKoffi() as unknown as KoffiTypes;
  let lib: KoffiLibrary;
  try {
    lib = koffi.load("libseccomp.so.2");
  } catch {
    return undefined;
  }
  const argument = koffi.struct({ arg: "uint32", op: "int", a: "uint64", b: "uint64" });
  const init = lib.func("void *seccomp_init(uint32 action)");
  const release = lib.func("void seccomp_release(void *ctx)");
  const resolveArch = lib.func("uint32 seccomp_arch_resolve_name(const char *name)");
  const nativeArch = lib.func("uint32 seccomp_arch_native()");
  const addArch = lib.func("int seccomp_arch_add(void *ctx, uint32 arch)");
  const removeArch = lib.func("int seccomp_arch_remove(void *ctx, uint32 arch)");
  const resolve = lib.func("int seccomp_syscall_resolve_name(const char *name)");
  const resolveOn = lib.func("int seccomp_syscall_resolve_name_arch(uint32 arch, const char *name)");
  const addRule = lib.func("seccomp_rule_add_array", "int", [
    "void *",
    "uint32",
    "int",
    "uint32",
    koffi.pointer(argument),
  ]);
  const attribute = lib.func("int seccomp_attr_set(void *ctx, int attribute, uint32 value)");
  const exportBpf = lib.func("int seccomp_export_bpf(void *ctx, int fd)");

  function addArches(ctx: unknown, names: readonly string[]): void {
    const native = nativeArch();
    const arches = names.map((name) => resolveArch(name) as number);
    for (const arch of arches) if (arch !== native) check("seccomp_arch_add", addArch(ctx, arch));
    if (!arches.includes(native)) check("seccomp_arch_remove", removeArch(ctx, native));
  }

  function addRules(ctx: unknown, program: SeccompProgram): void {
    const usual = defaultAction(program);
    for (const { name, errno, action, args = [] } of program.rules) {
      const number = resolve(name);
      const word = action ?? (errno === 0 ? ALLOW : ERRNO | errno);
      // A rule that says what is said anyway is an error to the library.
      if (number === UNKNOWN || word === usual) continue;
      const list = args.map(({ index, op, a, b }) => ({ arg: index, op: OPS[op], a, b }));
      check(`seccomp_rule_add ${name}`, addRule(ctx, word, number, list.length, list));
    }
  }

  return {
    compile(program) {
      const ctx = init(defaultAction(program));
      try {
        attribute(ctx, ATTRIBUTE_OPTIMIZE, 2);
        addArches(ctx, program.arches);
        addRules(ctx, program);
        return exported((fd) => check("seccomp_export_bpf", exportBpf(ctx, fd)));
      } finally {
        release(ctx);
      }
    },
    number(arch, name) {
      const found: number = resolveOn(resolveArch(arch), name);
      return found < 0 ? undefined : found;
    },
  };
}

function defaultAction({ defaultAction, defaultErrno }: SeccompProgram): number {
  return defaultAction ?? ERRNO | defaultErrno;
}

function check(what: string, result: number): void {
  if (result < 0) throw new Error(`${what}: libseccomp error ${-result}`);
}

/** The library writes to a descriptor only. */
function exported(write: (fd: number) => void): Uint8Array {
  const dir = mkdtempSync(join(tmpdir(), "kelp-seccomp-"));
  try {
    const path = join(dir, "filter");
    const fd = openSync(path, "wx", 0o600);
    try {
      write(fd);
    } finally {
      closeSync(fd);
    }
    return readFileSync(path);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
