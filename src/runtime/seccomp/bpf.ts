/** Classic BPF as seccomp runs it: a small assembler with labels, and the wire form. */

/** One instruction: `sock_filter`. */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

const LD_ABS = 0x20;
const JMP_JA = 0x05;
const JMP_JEQ = 0x15;
const JMP_JGE = 0x35;
const JMP_JSET = 0x45;
const RET = 0x06;

/** Results of a filter. */
export const SECCOMP = { ALLOW: 0x7fff0000, ERRNO: 0x00050000 } as const;

/** Offsets in `struct seccomp_data`; arguments are 64 bits, and the low half comes first on the machines we know. */
export const DATA = { nr: 0, arch: 4, arg: (index: number) => 16 + 8 * index } as const;

interface Pending {
  readonly code: number;
  readonly k: number;
  readonly label?: string;
}

/**
 * Builds a program of loads, returns and tests. A test goes on with the next instruction where it holds and
 * jumps to a label where it does not, or the other way round; the jump itself is an instruction of its own,
 * so that no distance is too long for the 8 bits of a test.
 */
export class Assembler {
  readonly #code: Pending[] = [];
  readonly #labels = new Map<string, number>();

  load(offset: number): this {
    return this.#push({ code: LD_ABS, k: offset });
  }

  ret(value: number): this {
    return this.#push({ code: RET, k: value });
  }

  label(name: string): this {
    this.#labels.set(name, this.#code.length);
    return this;
  }

  jump(label: string): this {
    return this.#push({ code: JMP_JA, k: 0, label });
  }

  /** Jumps to the label if the accumulator equals the value. */
  ifEqual(value: number, label: string): this {
    return this.#push({ code: JMP_JEQ, k: value }).jump(label);
  }

  /** Jumps if it is at least the value, unsigned. */
  ifAtLeast(value: number, label: string): this {
    return this.#push({ code: JMP_JGE, k: value }).jump(label);
  }

  /** Jumps if it has any of the bits. */
  ifAny(bits: number, label: string): this {
    return this.#push({ code: JMP_JSET, k: bits }).jump(label);
  }

  build(): Instruction[] {
    return this.#code.map(({ code, k, label }, index) => {
      if (label === undefined)
        return code === RET || code === LD_ABS ? { code, jt: 0, jf: 0, k } : { code, jt: 0, jf: 1, k };
      const target = this.#labels.get(label);
      if (target === undefined || target <= index) throw new Error(`BPF label ${label} is not ahead`);
      return { code, jt: 0, jf: 0, k: target - index - 1 };
    });
  }

  #push(instruction: Pending): this {
    this.#code.push(instruction);
    return this;
  }
}

/** The kernel's form: code u16, jt u8, jf u8, k u32, little-endian. */
export function encodeProgram(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, { code, jt, jf, k }] of program.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k >>> 0, true);
  }
  return bytes;
}
