/** D-Bus messages as bytes, little-endian, as far as talking to systemd takes them: method calls out, replies and signals in. */
import { HostError } from "../../base/index.ts";

/** An argument by its type: numbers for y, n, q, i, u and d; bigints for t and x; lists for arrays and structs. */
export type DbusValue = string | number | bigint | boolean | readonly DbusValue[] | Variant;

/** A value that carries its own type. */
export interface Variant {
  readonly type: string;
  readonly value: DbusValue;
}

export interface MethodCall {
  readonly destination?: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** Types of the arguments. */
  readonly signature: string;
  readonly body: readonly DbusValue[];
}

export interface Message {
  readonly kind: "call" | "return" | "error" | "signal";
  readonly serial: number;
  readonly replySerial: number | undefined;
  readonly member: string | undefined;
  readonly errorName: string | undefined;
  readonly body: readonly DbusValue[];
}

const KINDS = ["", "call", "return", "error", "signal"] as const;
const FIELD = { path: 1, interface: 2, member: 3, error: 4, replySerial: 5, destination: 6, signature: 8 };
const FIXED_HEADER = 16;
/** What a message may measure by the specification. */
const MAX_MESSAGE = 128 << 20;

/** Where a value of a type begins. */
function alignment(type: string): number {
  const code = type[0] ?? "";
  if ("ygv".includes(code)) return 1;
  if ("nq".includes(code)) return 2;
  return "xtd({".includes(code) ? 8 : 4;
}

/** The first complete type of a signature. */
function firstType(signature: string): string {
  const code = signature[0];
  if (code === "a") return `a${firstType(signature.slice(1))}`;
  if (code !== "(" && code !== "{") return signature.slice(0, 1);
  let depth = 0;
  for (let end = 0; end < signature.length; end++) {
    if ("({".includes(signature[end]!)) depth++;
    if (")}".includes(signature[end]!) && --depth === 0) return signature.slice(0, end + 1);
  }
  throw malformed("signature without an end");
}

/** The complete types of a signature. */
function types(signature: string): string[] {
  const result: string[] = [];
  for (let rest = signature; rest !== ""; rest = rest.slice(result.at(-1)!.length))
    result.push(firstType(rest));
  return result;
}

class Writer {
  readonly bytes: number[] = [];

  align(to: number): void {
    while (this.bytes.length % to !== 0) this.bytes.push(0);
  }

  write(type: string, value: DbusValue): void {
    this.align(alignment(type));
    const code = type[0];
    if (code === "a") this.#array(type.slice(1), value as readonly DbusValue[]);
    else if (code === "(" || code === "{") this.writeAll(type.slice(1, -1), value as readonly DbusValue[]);
    else if (code === "v") this.#variant(value as Variant);
    else if (code === "s" || code === "o") this.#text(value as string, 4);
    else if (code === "g") this.#text(value as string, 1);
    else if (code === "y") this.#number(BigInt(value as number), 1);
    else if (code === "t" || code === "x") this.#number(value as bigint, 8);
    else this.#number(BigInt(value as number | boolean), 4);
  }

  writeAll(signature: string, values: readonly DbusValue[]): void {
    for (const [index, type] of types(signature).entries()) this.write(type, values[index]!);
  }

  /** The length counts from the first element on, without the padding before it. */
  #array(type: string, values: readonly DbusValue[]): void {
    const at = this.bytes.length;
    this.#number(0n, 4);
    this.align(alignment(type));
    const start = this.bytes.length;
    for (const value of values) this.write(type, value);
    const length = this.bytes.length - start;
    for (let index = 0; index < 4; index++) this.bytes[at + index] = (length >> (8 * index)) & 0xff;
  }

  #variant({ type, value }: Variant): void {
    this.#text(type, 1);
    this.write(type, value);
  }

  #text(value: string, lengthSize: number): void {
    const bytes = Buffer.from(value);
    this.#number(BigInt(bytes.length), lengthSize);
    this.bytes.push(...bytes, 0);
  }

  #number(value: bigint, size: number): void {
    for (let index = 0; index < size; index++) this.bytes.push(Number((value >> BigInt(8 * index)) & 0xffn));
  }
}

/** A method call, ready to be sent. */
export function encodeCall(serial: number, call: MethodCall): Uint8Array {
  const body = new Writer();
  body.writeAll(call.signature, call.body);
  const field = (code: number, type: string, value: string): DbusValue => [code, { type, value }];
  const fields = [
    field(FIELD.path, "o", call.path),
    field(FIELD.interface, "s", call.interface),
    field(FIELD.member, "s", call.member),
    ...(call.destination === undefined ? [] : [field(FIELD.destination, "s", call.destination)]),
    ...(call.signature === "" ? [] : [field(FIELD.signature, "g", call.signature)]),
  ];
  const header = new Writer();
  const little = "l".charCodeAt(0);
  header.writeAll("yyyyuua(yv)", [little, 1, 0, 1, body.bytes.length, serial, fields]);
  header.align(8);
  return Uint8Array.from([...header.bytes, ...body.bytes]);
}

class Reader {
  #at: number;

  constructor(
    readonly data: Buffer,
    start: number,
  ) {
    this.#at = start;
  }

  align(to: number): number {
    this.#at = Math.ceil(this.#at / to) * to;
    return this.#at;
  }

  read(type: string): DbusValue {
    this.align(alignment(type));
    const code = type[0]!;
    if (code === "a") return this.#array(type.slice(1));
    if (code === "(" || code === "{") return this.readAll(type.slice(1, -1));
    if (code === "v") {
      const inner = this.#text(1);
      return { type: inner, value: this.read(inner) };
    }
    if (code === "s" || code === "o") return this.#text(4);
    if (code === "g") return this.#text(1);
    return this.#number(code);
  }

  readAll(signature: string): DbusValue[] {
    return types(signature).map((type) => this.read(type));
  }

  #array(type: string): DbusValue[] {
    const length = this.data.readUInt32LE(this.#take(4));
    this.align(alignment(type));
    const end = this.#at + length;
    const result: DbusValue[] = [];
    while (this.#at < end) result.push(this.read(type));
    return result;
  }

  #text(lengthSize: 1 | 4): string {
    const at = this.#take(lengthSize);
    const length = lengthSize === 1 ? this.data.readUInt8(at) : this.data.readUInt32LE(at);
    const start = this.#take(length + 1);
    return this.data.toString("utf8", start, start + length);
  }

  #number(code: string): number | bigint | boolean {
    switch (code) {
      case "y":
        return this.data.readUInt8(this.#take(1));
      case "n":
        return this.data.readInt16LE(this.#take(2));
      case "q":
        return this.data.readUInt16LE(this.#take(2));
      case "i":
        return this.data.readInt32LE(this.#take(4));
      case "u":
      case "h":
        return this.data.readUInt32LE(this.#take(4));
      case "b":
        return this.data.readUInt32LE(this.#take(4)) !== 0;
      case "x":
        return this.data.readBigInt64LE(this.#take(8));
      case "t":
        return this.data.readBigUInt64LE(this.#take(8));
      case "d":
        return this.data.readDoubleLE(this.#take(8));
      default:
        throw malformed(`type ${JSON.stringify(code)}`);
    }
  }

  #take(size: number): number {
    const at = this.#at;
    if (at + size > this.data.length) throw malformed("a value beyond the message");
    this.#at += size;
    return at;
  }
}

/**
 * The first message of `data` and how many bytes it has; undefined while some of it is missing.
 *
 * @throws {HostError} `dbus-malformed` for what is no message of this machine's byte order
 */
export function decodeMessage(data: Buffer): { message: Message; size: number } | undefined {
  if (data.length < FIXED_HEADER) return undefined;
  if (data[0] !== "l".charCodeAt(0)) throw malformed("byte order");
  const bodySize = data.readUInt32LE(4);
  const fieldsSize = data.readUInt32LE(12);
  const bodyStart = Math.ceil((FIXED_HEADER + fieldsSize) / 8) * 8;
  const size = bodyStart + bodySize;
  if (size > MAX_MESSAGE) throw malformed("too large");
  if (data.length < size) return undefined;
  const reader = new Reader(data.subarray(0, size), 12);
  const fields = new Map(
    (reader.read("a(yv)") as [number, Variant][]).map(([code, { value }]) => [code, value]),
  );
  const signature = (fields.get(FIELD.signature) ?? "") as string;
  reader.align(8);
  return {
    size,
    message: {
      kind: (KINDS[data[1]!] || "call") as Message["kind"],
      serial: data.readUInt32LE(8),
      replySerial: fields.get(FIELD.replySerial) as number | undefined,
      member: fields.get(FIELD.member) as string | undefined,
      errorName: fields.get(FIELD.error) as string | undefined,
      body: reader.readAll(signature),
    },
  };
}

function malformed(what: string): HostError {
  return new HostError("dbus-malformed", `cannot understand the session bus: malformed message: ${what}`);
}
