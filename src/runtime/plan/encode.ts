/** A plan as the bytes holdfast reads (native/PLAN.md, "Wire form"). */
import { SetupError } from "../../base/index.ts";
import { opTableHash } from "./op-table.ts";
import { type ArgKind, NO_SLOT, OPS, type OpDef, type Plan, type PlanOp, STAGES } from "./ops.ts";

const SLOT_COUNT = 64;
const SIZE_LIMIT = 4 << 20;

/**
 * Encodes a plan. Operations must be in the order of their stages already; holdfast refuses them otherwise.
 *
 * @throws {SetupError} for what a user's input can bring about: a NUL inside a string, more than 4 MiB in all
 */
export function encodePlan(plan: Plan): Uint8Array {
  const out = new Writer();
  out.bytes(new TextEncoder().encode("KELPPLAN"));
  out.u32(0);
  out.u32(plan.ops.length);
  out.bytes(opTableHash());
  out.u64(0n);
  for (const op of plan.ops) encodeOp(out, op);
  if (out.size > SIZE_LIMIT) {
    throw new SetupError("plan-too-large", "cannot start the container: its plan exceeds 4 MiB", {
      hint: "shorten its environment, arguments or list of mounts",
    });
  }
  out.patch(8, out.size);
  return out.result();
}

function encodeOp(out: Writer, op: PlanOp): void {
  const def: OpDef = OPS[op.op];
  out.u16(def.code);
  out.u8(STAGES.indexOf(op.stage));
  out.u8(op.tolerate ?? 0);
  const lengthAt = out.size;
  out.u32(0);
  const args = op.args as Readonly<Record<string, unknown>>;
  for (const [name, kind] of Object.entries(def.args)) {
    if (!encodeArg(out, kind, args[name])) {
      throw new SetupError("nul-in-string", `cannot use a value with a NUL byte (${op.origin ?? op.op})`);
    }
  }
  out.patch(lengthAt, out.size - lengthAt - 4);
}

/** False if a string holds a NUL; anything else that is wrong is a bug of the caller. */
function encodeArg(out: Writer, kind: ArgKind, value: unknown): boolean {
  switch (kind) {
    case "u32":
      out.u32(value as number);
      return true;
    case "u64":
      out.u64(value as bigint);
      return true;
    case "slot":
    case "into":
      out.u32(checkSlot(value as number));
      return true;
    case "str":
      return out.text(value as string);
    case "strv":
      out.u32((value as readonly string[]).length);
      return (value as readonly string[]).every((item) => out.text(item));
    case "blob":
      out.blob(value as Uint8Array);
      return true;
  }
}

function checkSlot(slot: number): number {
  if (slot !== NO_SLOT && !(Number.isInteger(slot) && slot >= 0 && slot < SLOT_COUNT))
    throw new RangeError(`no slot ${slot}`);
  return slot;
}

/** Bytes that grow; numbers are little-endian, and everything of variable length is padded to 4. */
class Writer {
  size = 0;
  #data = new Uint8Array(16 << 10);
  #view = new DataView(this.#data.buffer);
  readonly #encoder = new TextEncoder();

  /** May replace `#data` and `#view`: they are named after it only. */
  #room(size: number): number {
    const at = this.size;
    this.size += size;
    if (this.size > this.#data.length) {
      const larger = new Uint8Array(2 * this.size);
      larger.set(this.#data);
      this.#data = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  u8(value: number): void {
    const at = this.#room(1);
    this.#view.setUint8(at, value);
  }

  u16(value: number): void {
    const at = this.#room(2);
    this.#view.setUint16(at, value, true);
  }

  u32(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) throw new RangeError(`no u32: ${value}`);
    const at = this.#room(4);
    this.#view.setUint32(at, value, true);
  }

  u64(value: bigint): void {
    if (value < 0n || value > 0xffffffffffffffffn) throw new RangeError(`no u64: ${value}`);
    const at = this.#room(8);
    this.#view.setBigUint64(at, value, true);
  }

  bytes(value: Uint8Array): void {
    const at = this.#room(value.length);
    this.#data.set(value, at);
  }

  blob(value: Uint8Array): void {
    this.u32(value.length);
    this.bytes(value);
    this.#pad();
  }

  /** Length, bytes and a NUL; false if the text has one of its own. */
  text(value: string): boolean {
    if (value.includes("\0")) return false;
    const lengthAt = this.#room(4);
    const at = this.#room(3 * value.length + 1);
    const { written } = this.#encoder.encodeInto(value, this.#data.subarray(at));
    this.#data.fill(0, at + written, this.size);
    this.size = at + written + 1;
    this.#view.setUint32(lengthAt, written, true);
    this.#pad();
    return true;
  }

  patch(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  #pad(): void {
    const at = this.#room(-this.size & 3);
    this.#data.fill(0, at, this.size);
  }

  result(): Uint8Array {
    return this.#data.subarray(0, this.size);
  }
}
