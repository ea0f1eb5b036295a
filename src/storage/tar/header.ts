/** One 512-byte tar header, decoded strictly: what the formats do not allow is refused, not guessed. */
import { StorageError } from "../../base/index.ts";

export const BLOCK = 512;

/** A header block as it stands, before PAX and GNU extensions are applied. Names are byte strings (latin1). */
export interface RawHeader {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  /** The type flag as a character; NUL is "0". */
  readonly type: string;
  readonly linkName: string;
  readonly devMajor: number;
  readonly devMinor: number;
}

/** What is wrong with an archive; `entry` is named when it is known. */
export function archiveError(reason: string, entry?: string): StorageError {
  const object = entry === undefined ? "archive" : `archive entry ${printable(entry)}`;
  return new StorageError("archive-invalid", `cannot read ${object}: ${reason}`);
}

/** A byte string as text for people: UTF-8 where it is, escapes for everything that could move a terminal. */
export function printable(name: string): string {
  const text = Buffer.from(name.length > 200 ? `${name.slice(0, 200)}...` : name, "latin1").toString("utf8");
  return JSON.stringify(text).replace(
    /[\u007f-\u009f]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export function isZeroBlock(block: Buffer): boolean {
  for (let i = 0; i < BLOCK; i++) if (block[i] !== 0) return false;
  return true;
}

/** @throws {StorageError} on a wrong checksum or a number that is none. */
export function decodeHeader(block: Buffer): RawHeader {
  checkSum(block);
  const posix = block.toString("latin1", 257, 263) === "ustar\0";
  const gnu = block.toString("latin1", 257, 265) === "ustar  \0";
  const prefix = posix ? field(block, 345, 155) : "";
  const name = field(block, 0, 100);
  const type = block[156] === 0 ? "0" : String.fromCharCode(block[156] as number);
  const device = posix || gnu;
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    mode: number(block, 100, 8, "mode") & 0o7777,
    uid: number(block, 108, 8, "uid"),
    gid: number(block, 116, 8, "gid"),
    size: number(block, 124, 12, "size"),
    mtime: number(block, 136, 12, "mtime", true),
    type,
    linkName: field(block, 157, 100),
    devMajor: device ? number(block, 329, 8, "device") : 0,
    devMinor: device ? number(block, 337, 8, "device") : 0,
  };
}

/** Text up to the first NUL. */
export function field(block: Buffer, start: number, length: number): string {
  const text = block.toString("latin1", start, start + length);
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

/**
 * A numeric field: octal text, or base 256 with the top bit set (GNU).
 *
 * @param signed negative values are allowed (times before 1970).
 */
export function number(block: Buffer, start: number, length: number, what: string, signed = false): number {
  const first = block[start] as number;
  const value = (first & 0x80) !== 0 ? base256(block, start, length) : octal(block, start, length, what);
  if (!Number.isSafeInteger(value)) throw archiveError(`its ${what} is out of range`);
  if (value < 0 && !signed) throw archiveError(`its ${what} is negative`);
  return value;
}

function octal(block: Buffer, start: number, length: number, what: string): number {
  const text = field(block, start, length).trim();
  if (text === "") return 0;
  if (!/^[0-7]+$/.test(text)) throw archiveError(`its ${what} is not a number`);
  return Number.parseInt(text, 8);
}

function base256(block: Buffer, start: number, length: number): number {
  const negative = ((block[start] as number) & 0x40) !== 0;
  const first = BigInt(block[start] as number);
  let value = negative ? BigInt.asIntN(8, first) : first & 0x3fn;
  for (let i = 1; i < length; i++) value = value * 256n + BigInt(block[start + i] as number);
  return Number(value);
}

function checkSum(block: Buffer): void {
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < BLOCK; i++) {
    const byte = i >= 148 && i < 156 ? 32 : (block[i] as number);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const stated = octal(block, 148, 8, "checksum");
  if (stated !== unsigned && stated !== signed) throw archiveError("a header has a wrong checksum");
}
