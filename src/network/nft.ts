/**
 * nf_tables messages: just enough of the kernel's packet filter language for kelp's own rules, written as the
 * kernel reads them, so that no program has to be installed or run for it. Pure.
 */

const SUBSYSTEM = 10;
const MESSAGE = { begin: 0x10, end: 0x11, newTable: 0, deleteTable: 2, newChain: 3, newRule: 6 } as const;
const FLAG = { request: 1, create: 0x400, excl: 0x200, append: 0x800 } as const;
const NESTED = 0x8000;
const INET = 1;

export type Hook = "prerouting" | "input" | "forward" | "output" | "postrouting";
const HOOKS: Readonly<Record<Hook, number>> = {
  prerouting: 0,
  input: 1,
  forward: 2,
  output: 3,
  postrouting: 4,
};

export interface Chain {
  readonly type: "filter" | "nat";
  readonly hook: Hook;
  readonly priority: number;
  readonly rules: readonly Expression[][];
}

/** One step of a rule: its name and its attributes. */
export interface Expression {
  readonly name: string;
  readonly data: Uint8Array;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function attribute(type: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array((4 + data.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 4 + data.length, true);
  view.setUint16(2, type, true);
  bytes.set(data, 4);
  return bytes;
}

const nest = (type: number, ...parts: Uint8Array[]) => attribute(type | NESTED, concat(parts));
const text = (type: number, value: string) => attribute(type, Buffer.from(`${value}\0`));

/** Numbers of attributes are big-endian; those that packets' data are compared with are the machine's. */
function number(type: number, value: number, littleEndian = false): Uint8Array {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setInt32(0, value, littleEndian);
  return attribute(type, data);
}

function message(
  type: number,
  flags: number,
  family: number,
  resource: number,
  body: Uint8Array[],
): Uint8Array {
  const payload = concat(body);
  const bytes = new Uint8Array(20 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, FLAG.request | flags, true);
  view.setUint8(16, family);
  view.setUint16(18, resource, false);
  bytes.set(payload, 20);
  return bytes;
}

const tables = (type: number, flags: number, ...body: Uint8Array[]) =>
  message((SUBSYSTEM << 8) | type, flags, INET, 0, body);

function batch(messages: readonly Uint8Array[]): Uint8Array {
  const edge = (type: number) => message(type, 0, 0, SUBSYSTEM, []);
  return concat([edge(MESSAGE.begin), ...messages, edge(MESSAGE.end)]);
}

/** Makes a table with its chains; the kernel answers EEXIST, and changes nothing, where it is there already. */
export function makeTable(table: string, chains: Readonly<Record<string, Chain>>): Uint8Array {
  const messages = [tables(MESSAGE.newTable, FLAG.create | FLAG.excl, text(1, table))];
  for (const [name, chain] of Object.entries(chains)) {
    messages.push(
      tables(
        MESSAGE.newChain,
        FLAG.create,
        text(1, table),
        text(3, name),
        nest(4, number(1, HOOKS[chain.hook]), number(2, chain.priority)),
        text(7, chain.type),
      ),
    );
    for (const rule of chain.rules) {
      const list = rule.map(({ name: kind, data }) => nest(1, text(1, kind), attribute(2 | NESTED, data)));
      messages.push(
        tables(MESSAGE.newRule, FLAG.create | FLAG.append, text(1, table), text(2, name), nest(4, ...list)),
      );
    }
  }
  return batch(messages);
}

/** Removes a table; ENOENT where there is none. */
export function removeTable(table: string): Uint8Array {
  return batch([tables(MESSAGE.deleteTable, 0, text(1, table))]);
}

// --- expressions: each loads into register 1 or works on it ------------------------------------------

const META = { mark: 3, iifname: 6, oifname: 7, nfproto: 15, l4proto: 16 } as const;
const CT = { direction: 1, mark: 3 } as const;
const PAYLOAD = { transport: 2 } as const;
const SOCKET = { transparent: 0, wildcard: 2 } as const;
const FIB = { addressType: 3, destination: 2, local: 2 } as const;
const IPV4 = 2;

function compare(data: Uint8Array, equal: boolean): Expression {
  return { name: "cmp", data: concat([number(1, 1), number(2, equal ? 0 : 1), nest(3, attribute(1, data))]) };
}

function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** The packet comes in, or goes out, by that interface, or by any other. */
export function via(side: "iifname" | "oifname", name: string, equal = true): Expression[] {
  const padded = new Uint8Array(16);
  padded.set(Buffer.from(name));
  return [{ name: "meta", data: concat([number(2, META[side]), number(1, 1)]) }, compare(padded, equal)];
}

/** The packet is of IPv4 and asks for that port, by protocol's number. */
export function toPort(protocol: number, port: number): Expression[] {
  const meta = (key: number) => ({ name: "meta", data: concat([number(2, key), number(1, 1)]) });
  const destination = [number(1, 1), number(2, PAYLOAD.transport), number(3, 2), number(4, 2)];
  return [
    meta(META.nfproto),
    compare(Uint8Array.of(IPV4), true),
    meta(META.l4proto),
    compare(Uint8Array.of(protocol), true),
    { name: "payload", data: concat(destination) },
    compare(Uint8Array.of(port >> 8, port & 0xff), true),
  ];
}

/** The packet is for a socket here that speaks in another's name. */
export function isForTransparent(): Expression[] {
  return [
    { name: "socket", data: concat([number(1, SOCKET.transparent), number(2, 1)]) },
    compare(Uint8Array.of(1), true),
  ];
}

/** Somebody here listens for the packet. */
export function hasSocket(): Expression[] {
  // The question is whether there is a socket, not what it is bound to: without one the rule ends here.
  return [{ name: "socket", data: concat([number(1, SOCKET.wildcard), number(2, 1)]) }];
}

/** The packet's destination is an address of this namespace. */
export function toHere(): Expression[] {
  const lookup = [number(1, 1), number(2, FIB.addressType), number(3, FIB.destination)];
  return [{ name: "fib", data: concat(lookup) }, compare(word(FIB.local), true)];
}

/** The packet goes to that IPv4 address instead. In a chain of type `nat`. */
export function redirect(address: Uint8Array): Expression[] {
  return [
    { name: "immediate", data: concat([number(1, 1), nest(2, attribute(1, address))]) },
    { name: "nat", data: concat([number(1, 1), number(2, IPV4), number(3, 1)]) },
  ];
}

export function accept(): Expression[] {
  return [{ name: "immediate", data: concat([number(1, 0), nest(2, nest(2, number(1, 1)))]) }];
}

/** The connection carries that mark. */
export function hasConnectionMark(mark: number): Expression[] {
  return [{ name: "ct", data: concat([number(2, CT.mark), number(1, 1)]) }, compare(word(mark), true)];
}

/** The packet answers one of the connection's first side. */
export function isReply(): Expression[] {
  return [
    { name: "ct", data: concat([number(2, CT.direction), number(1, 1)]) },
    compare(Uint8Array.of(1), true),
  ];
}

function load(value: number): Expression {
  return { name: "immediate", data: concat([number(1, 1), nest(2, attribute(1, word(value)))]) };
}

export function setConnectionMark(mark: number): Expression[] {
  return [load(mark), { name: "ct", data: concat([number(2, CT.mark), number(4, 1)]) }];
}

export function setMark(mark: number): Expression[] {
  return [load(mark), { name: "meta", data: concat([number(2, META.mark), number(3, 1)]) }];
}

export function masquerade(): Expression[] {
  return [{ name: "masq", data: new Uint8Array() }];
}

export function drop(): Expression[] {
  return [{ name: "immediate", data: concat([number(1, 0), nest(2, nest(2, number(1, 0)))]) }];
}
