/** Runs a seccomp filter as the kernel would, for tests: which answer does a call get? */

export interface Call {
  readonly arch: number;
  readonly nr: number;
  readonly args?: readonly bigint[];
}

export const AUDIT_ARCH = {
  x86_64: 0xc000003e,
  x86: 0x40000003,
  aarch64: 0xc00000b7,
  arm: 0x40000028,
} as const;
export const X32_BIT = 0x40000000;

/** Whether a test holds, by opcode. */
const TESTS: Readonly<Record<number, (accumulator: number, k: number) => boolean>> = {
  21: (accumulator, k) => accumulator === k,
  37: (accumulator, k) => accumulator > k,
  53: (accumulator, k) => accumulator >= k,
  69: (accumulator, k) => (accumulator & k) !== 0,
};

/** `allow`, `errno N`, or `kill`. */
export function simulate(filter: Uint8Array, call: Call): string {
  const code = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  const data = seccompData(call);
  let accumulator = 0;
  for (let at = 0; at < filter.length; at += 8) {
    const op = code.getUint16(at, true);
    const k = code.getUint32(at + 4, true);
    const holds = TESTS[op];
    if (op === 0x06) return verdict(k);
    if (op === 0x20) accumulator = data.getUint32(k, true);
    else if (op === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (op === 0x05) at += k * 8;
    else if (holds !== undefined) at += code.getUint8(at + (holds(accumulator, k) ? 2 : 3)) * 8;
    else throw new Error(`instruction ${op.toString(16)} at ${at / 8} is unknown here`);
  }
  throw new Error("the filter ends without an answer");
}

function seccompData({ arch, nr, args = [] }: Call): DataView {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, nr, true);
  data.setUint32(4, arch, true);
  for (const [index, value] of args.entries())
    data.setBigUint64(16 + 8 * index, BigInt.asUintN(64, value), true);
  return data;
}

function verdict(value: number): string {
  const action = (value & 0xffff0000) >>> 0;
  if (action === 0x7fff0000) return "allow";
  if (action === 0x00050000) return `errno ${value & 0xffff}`;
  return action === 0 || action === 0x80000000 ? "kill" : `action ${action.toString(16)}`;
}
