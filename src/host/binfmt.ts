/** Programs of other architectures: which of them the kernel starts, and how it is told of an emulator (binfmt_misc). */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "./programs.ts";

const BINFMT = "/proc/sys/fs/binfmt_misc";

/** How the ELF files of an architecture begin. */
interface Machine {
  /** `e_machine`. */
  readonly number: number;
  readonly bits: 32 | 64;
  readonly bigEndian?: boolean;
  /** QEMU's word for it. */
  readonly qemu: string;
}

/** By Go's words. */
const MACHINES: Readonly<Record<string, Machine>> = {
  "386": { number: 3, bits: 32, qemu: "i386" },
  amd64: { number: 62, bits: 64, qemu: "x86_64" },
  arm: { number: 40, bits: 32, qemu: "arm" },
  arm64: { number: 183, bits: 64, qemu: "aarch64" },
  loong64: { number: 258, bits: 64, qemu: "loongarch64" },
  mips64le: { number: 8, bits: 64, qemu: "mips64el" },
  ppc64le: { number: 21, bits: 64, qemu: "ppc64le" },
  riscv64: { number: 243, bits: 64, qemu: "riscv64" },
  s390x: { number: 22, bits: 64, bigEndian: true, qemu: "s390x" },
};
/** What a processor runs besides its own. */
const NATIVE: Readonly<Record<string, readonly string[]>> = { amd64: ["386"], arm64: ["arm"] };
/** Where `e_machine` is in a header. */
const MACHINE_OFFSET = 18;
const ELF_MAGIC = 0x7f454c46;

/** @param own this machine's architecture, in Go's words as the other */
export function runsArchitecture(architecture: string, own: string, directory = BINFMT): boolean {
  if (isNative(architecture, own)) return true;
  const machine = MACHINES[architecture]?.number;
  return machine !== undefined && handlers(directory).some((text) => handles(text, machine));
}

/** Architectures that the kernel has an emulator for. */
export function registeredArchitectures(own: string, directory = BINFMT): string[] {
  const foreign = Object.keys(MACHINES).filter((architecture) => !isNative(architecture, own));
  return foreign.filter((architecture) => runsArchitecture(architecture, own, directory));
}

function isNative(architecture: string, own: string): boolean {
  return architecture === own || NATIVE[own]?.includes(architecture) === true;
}

function handlers(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => name !== "register" && name !== "status");
    return names.map((name) => readFileSync(join(directory, name), "utf8"));
  } catch {
    return [];
  }
}

function handles(text: string, machine: number): boolean {
  const magic = /^magic ([0-9a-f]+)$/m.exec(text)?.[1];
  if (!text.startsWith("enabled") || magic === undefined || !/^offset 0$/m.test(text)) return false;
  const bytes = Buffer.from(magic, "hex");
  if (bytes.length < MACHINE_OFFSET + 2) return false;
  // Both byte orders: s390x is the only one of its number.
  return [bytes.readUInt16LE(MACHINE_OFFSET), bytes.readUInt16BE(MACHINE_OFFSET)].includes(machine);
}

export interface Emulator {
  /** Whose programs it runs. */
  readonly architecture: string;
  readonly path: string;
}

/** What ends a path in a rule. */
const SEPARATORS = /[:\n]/;

/** The emulators of QEMU that work in any root directory: those that are one file. */
export function findEmulators(own: string, directories: readonly string[]): Emulator[] {
  return Object.entries(MACHINES).flatMap(([architecture, { qemu }]) => {
    if (isNative(architecture, own)) return [];
    const found = [`qemu-${qemu}-static`, `qemu-${qemu}`].map((name) => findProgram(name, directories));
    const path = found.find((one) => one !== undefined && isStatic(one) && !SEPARATORS.test(one));
    return path === undefined ? [] : [{ architecture, path }];
  });
}

const PROGRAM_HEADER_INTERP = 3;
const HEAD_SIZE = 4096;

/** Whether a 64-bit program of this machine names no loader. */
function isStatic(path: string): boolean {
  const head = readHead(path);
  if (head.readUInt32BE(0) !== ELF_MAGIC) return false;
  const [start, size, count] = [
    Number(head.readBigUInt64LE(32)),
    head.readUInt16LE(54),
    head.readUInt16LE(56),
  ];
  if (start + size * count > HEAD_SIZE) return false;
  return Array.from({ length: count }, (_, index) => head.readUInt32LE(start + size * index)).every(
    (type) => type !== PROGRAM_HEADER_INTERP,
  );
}

/** Zeroes, where it cannot be read. */
function readHead(path: string): Buffer {
  const head = Buffer.alloc(HEAD_SIZE);
  try {
    const fd = openSync(path, "r");
    readSync(fd, head, 0, HEAD_SIZE, 0);
    closeSync(fd);
  } catch {
    return Buffer.alloc(HEAD_SIZE);
  }
  return head;
}

/**
 * The line that registers it. F: the kernel opens it now, so that it works where its path leads nowhere. P: it is
 * told the program's own argv[0]. Not C: a set-uid program would give its rights to an emulator that reads the
 * environment of whoever called it.
 */
export function emulatorRule({ architecture, path }: Emulator): string {
  const { number, bits, bigEndian = false, qemu } = MACHINES[architecture] as Machine;
  const [magic, mask] = [Buffer.alloc(MACHINE_OFFSET + 2), Buffer.alloc(MACHINE_OFFSET + 2, 0xff)];
  magic.writeUInt32BE(ELF_MAGIC, 0);
  magic.set([bits / 32, bigEndian ? 2 : 1, 1], 4);
  // Any operating system's ABI; executables (2) and those that can be put anywhere (3).
  mask[7] = 0;
  const type = MACHINE_OFFSET - 2;
  magic[bigEndian ? type + 1 : type] = 2;
  mask[bigEndian ? type + 1 : type] = 0xfe;
  if (bigEndian) magic.writeUInt16BE(number, MACHINE_OFFSET);
  else magic.writeUInt16LE(number, MACHINE_OFFSET);
  return `:qemu-${qemu}:M::${escaped(magic)}:${escaped(mask)}:${path}:PF`;
}

function escaped(bytes: Buffer): string {
  return bytes.toString("hex").replace(/../g, "\\x$&");
}
