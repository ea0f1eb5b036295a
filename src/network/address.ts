/** Addresses as numbers: parsing, printing, subnets and ranges. Pure. */
import { UsageError } from "../base/index.ts";
import type { LinkAddress } from "../state/index.ts";

export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

export interface Subnet {
  readonly family: 4 | 6;
  /** Host bits zero. */
  readonly base: bigint;
  readonly prefix: number;
}

const BITS = { 4: 32, 6: 128 } as const;

/** Undefined if the text is no address; zones (`%eth0`) are none of ours. */
export function parseAddress(text: string): Address | undefined {
  if (!text.includes(":")) {
    const value = number4(text);
    return value === undefined ? undefined : { family: 4, value };
  }
  const value = number6(text);
  return value === undefined ? undefined : { family: 6, value };
}

function number4(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function number6(text: string): bigint | undefined {
  const [head = "", tail, ...more] = text.split("::");
  const first = words6(head);
  const last = tail === undefined ? [] : words6(tail);
  if (first === undefined || last === undefined || more.length > 0) return undefined;
  const missing = 8 - first.length - last.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const all = [...first, ...Array.from({ length: missing }, () => 0n), ...last];
  return all.reduce((sum, word) => (sum << 16n) | word, 0n);
}

/** The 16-bit words of a part without `::`; the last two may be written as an IPv4 address. */
function words6(text: string): bigint[] | undefined {
  if (text === "") return [];
  const words: bigint[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const four = index === parts.length - 1 && part.includes(".") ? number4(part) : undefined;
    if (four !== undefined) words.push(four >> 16n, four & 0xffffn);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) words.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return words;
}

/** Canonical text; IPv6 by RFC 5952. */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join(".");
  const words = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(112 - 16 * i)) & 0xffffn));
  const [start, length] = longestZeros(words);
  const hex = (part: number[]) => part.map((word) => word.toString(16)).join(":");
  if (length < 2) return hex(words);
  return `${hex(words.slice(0, start))}::${hex(words.slice(start + length))}`;
}

function longestZeros(words: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  for (let i = 0; i < words.length; i++) {
    let n = 0;
    while (words[i + n] === 0) n++;
    if (n > best[1]) best = [i, n];
  }
  return best;
}

/** Network byte order. */
export function addressBytes({ family, value }: Address): Uint8Array {
  const bytes = new Uint8Array(BITS[family] / 8);
  let rest = value;
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 255n);
    rest >>= 8n;
  }
  return bytes;
}

/** `A/N`; undefined if it is none. Host bits are cleared. */
export function parseSubnet(text: string): Subnet | undefined {
  const [address = "", length = "", ...more] = text.split("/");
  const found = parseAddress(address);
  if (found === undefined || more.length > 0 || !/^\d{1,3}$/.test(length)) return undefined;
  const prefix = Number(length);
  if (prefix > BITS[found.family]) return undefined;
  const host = BigInt(BITS[found.family] - prefix);
  return { family: found.family, base: (found.value >> host) << host, prefix };
}

/** @throws {UsageError} in podman's words. */
export function requireSubnet(text: string): Subnet {
  const subnet = parseSubnet(text);
  if (subnet === undefined)
    throw new UsageError("invalid-subnet", `invalid CIDR address: ${text}`, {
      hint: "A subnet is written 10.89.5.0/24.",
    });
  return subnet;
}

export function formatSubnet(subnet: Subnet): string {
  return `${formatAddress({ family: subnet.family, value: subnet.base })}/${subnet.prefix}`;
}

function size({ family, prefix }: Subnet): bigint {
  return 1n << BigInt(BITS[family] - prefix);
}

export function lastAddress(subnet: Subnet): bigint {
  return subnet.base + size(subnet) - 1n;
}

export function contains(subnet: Subnet, address: Address): boolean {
  return (
    subnet.family === address.family && address.value >= subnet.base && address.value <= lastAddress(subnet)
  );
}

export function overlaps(a: Subnet, b: Subnet): boolean {
  return a.family === b.family && a.base <= lastAddress(b) && b.base <= lastAddress(a);
}

/** The addresses a host may have there: neither the network's own nor, with IPv4, the broadcast address. */
export function hostRange(subnet: Subnet): { first: bigint; last: bigint } {
  const whole = { first: subnet.base, last: lastAddress(subnet) };
  if (size(subnet) <= 2n) return whole;
  return { first: whole.first + 1n, last: subnet.family === 4 ? whole.last - 1n : whole.last };
}

/** Where everybody on an IPv4 subnet listens; undefined for those too small to have one, and for IPv6. */
export function broadcastOf(subnet: Subnet): Uint8Array | undefined {
  if (subnet.family === 6 || subnet.prefix > 30) return undefined;
  return addressBytes({ family: 4, value: lastAddress(subnet) });
}

/** An address as an interface has it. Both are known to be well-formed. */
export function linkAddress(address: string, subnet: string): LinkAddress {
  const net = requireSubnet(subnet);
  const broadcast = broadcastOf(net);
  return {
    address: addressBytes(parseAddress(address)!),
    prefix: net.prefix,
    ...(broadcast === undefined ? {} : { broadcast }),
  };
}

/** Hardware addresses: six bytes from `02:6b:…`; undefined if it is none. */
export function parseMac(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(/[:-]/).map((part) => Number.parseInt(part, 16)));
}

export function formatMac(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
