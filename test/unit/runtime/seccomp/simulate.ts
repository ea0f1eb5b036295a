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

/** `allow`, `errno N`, or `kill`. */
export function simulate(filter: Uint8Array, call: Call): string {
  const code = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  const data = seccompData(call);
  let accumulator = 0;
  for (let pc = 0; pc < filter.length / 8; ) {
    const at = pc * 8;
    const op = code.getUint16(at, true);
    const k = code.getUint32(at + 4, true);
    const jump = (taken: boolean) => (taken ? code.getUint8(at + 2) : code.getUint8(at + 3));
    pc++;
    if (op === 0x20) accumulator = data.getUint32(k, true);
    else if (op === 0x54) accumulator = (accumulator & k) >>> 0;
    else if (op === 0x05) pc += k;
    else if (op === 0x15) pc += jump(accumulator === k);
    else if (op === 0x25) pc += jump(accumulator > k);
    else if (op === 0x35) pc += jump(accumulator >= k);
    else if (op === 0x45) pc += jump((accumulator & k) !== 0);
    else if (op === 0x06) return verdict(k);
    else throw new Error(`instruction ${op.toString(16)} at ${pc - 1} is unknown here`);
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
