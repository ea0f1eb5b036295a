/** A plan from its bytes: how `kelp __failed` learns which operation an index means. Origins are not in them. */

import { opTableHash } from "./op-table.ts";
import { type ArgKind, OPS, type OpDef, type OpName, type Plan, type PlanOp, STAGES } from "./ops.ts";

const HEADER = 32;

/** Undefined for anything that is not a plan of this build: the caller has words without it. */
export function decodePlan(bytes: Uint8Array): Plan | undefined {
  const hash = opTableHash();
  const isOurs = bytes.length >= HEADER && hash.every((byte, index) => bytes[16 + index] === byte);
  if (!isOurs) return undefined;
  try {
    return { ops: decodeOps(new Reader(bytes)) };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function decodeOps(reader: Reader): PlanOp[] {
  const names = new Map(
    Object.entries(OPS as Record<string, OpDef>).map(([name, def]) => [def.code, name as OpName]),
  );
  const ops: PlanOp[] = [];
  for (let left = reader.skipHeader(); left > 0; left--) {
    const name = names.get(reader.u16());
    const stage = STAGES[reader.u8()];
    const tolerate = reader.u8();
    reader.u32();
    if (name === undefined || stage === undefined) throw new RangeError("unknown operation");
    const args = Object.entries((OPS[name] as OpDef).args).map(([arg, kind]) => [arg, reader.value(kind)]);
    ops.push({ op: name, stage, tolerate, args: Object.fromEntries(args) } as PlanOp);
  }
  return ops;
}

/** Reads little-endian values; a RangeError beyond the end. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The number of operations. */
  skipHeader(): number {
    this.#at = HEADER;
    return this.#view.getUint32(12, true);
  }

  u8(): number {
    return this.#view.getUint8(this.#at++);
  }

  u16(): number {
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2, true);
  }

  u32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  value(kind: ArgKind): unknown {
    switch (kind) {
      case "u64":
        this.#at += 8;
        return this.#view.getBigUint64(this.#at - 8, true);
      case "str":
        return new TextDecoder().decode(this.#run(1));
      case "blob":
        return this.#run(0);
      case "strv":
        return Array.from({ length: this.u32() }, () => new TextDecoder().decode(this.#run(1)));
      default:
        return this.u32();
    }
  }

  #run(terminator: number): Uint8Array {
    const length = this.u32();
    const start = this.#at;
    this.#at += (length + terminator + 3) & ~3;
    if (this.#at > this.#bytes.length) throw new RangeError("beyond the end");
    return this.#bytes.subarray(start, start + length);
  }
}
