/** Writes the entries of a tree as a tar that every tool reads: ustar headers, PAX records where they do not suffice. */
import { archiveError, BLOCK } from "./header.ts";
import type { TarEntry, TarHandler } from "./parser.ts";
import type { Sink } from "./writer.ts";

const TYPE: Readonly<Record<TarEntry["type"], string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  char: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};
const MAX_ID = 0o7777777;
const MAX_SIZE = 0o77777777777;
const BUFFER = 1 << 20;

/** Names are byte strings (latin1), as the parser gives them. The sink gets large pieces, valid only during the call. */
export class LayerWriter implements TarHandler {
  readonly #sink: Sink;
  readonly #buffer = Buffer.allocUnsafe(BUFFER);
  #used = 0;
  #left = 0;
  #padding = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  entry(entry: TarEntry): void {
    const records = paxRecords(entry);
    if (records.length > 0) {
      this.#write(header({ ...EXTENDED, size: records.length }, "x"));
      this.#write(records);
      this.#write(Buffer.alloc(padding(records.length)));
    }
    this.#write(header(entry, TYPE[entry.type]));
    this.#left = entry.size;
    this.#padding = padding(entry.size);
  }

  data(chunk: Buffer): void {
    this.#left -= chunk.length;
    if (this.#left < 0) throw archiveError("more content came than was announced");
    this.#write(chunk);
  }

  endEntry(): void {
    if (this.#left !== 0) throw archiveError("less content came than was announced");
    if (this.#padding > 0) this.#write(ZEROS.subarray(0, this.#padding));
  }

  /** The end marker, and everything that is still held. */
  end(): void {
    this.#write(ZEROS);
    this.#flush();
  }

  #write(piece: Uint8Array): void {
    if (piece.length > BUFFER - this.#used) this.#flush();
    if (piece.length > BUFFER) {
      this.#sink(piece);
      return;
    }
    this.#buffer.set(piece, this.#used);
    this.#used += piece.length;
  }

  #flush(): void {
    if (this.#used > 0) this.#sink(this.#buffer.subarray(0, this.#used));
    this.#used = 0;
  }
}

/** What the writer puts before the content of an entry. */
export function entryHeader(entry: TarEntry): Buffer {
  const plain = header(entry, TYPE[entry.type]);
  const records = paxRecords(entry);
  if (records.length === 0) return plain;
  const extended = header({ ...EXTENDED, size: records.length }, "x");
  return Buffer.concat([extended, records, Buffer.alloc(padding(records.length)), plain]);
}

/** What the writer puts after `size` bytes of content. */
export function entryPadding(size: number): Buffer {
  return ZEROS.subarray(0, padding(size));
}

export const END_MARKER_SIZE = 2 * BLOCK;

const ZEROS = Buffer.alloc(END_MARKER_SIZE);
const EXTENDED: TarEntry = {
  name: "PaxHeaders/entry",
  type: "file",
  linkName: "",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0,
  devMajor: 0,
  devMinor: 0,
  xattrs: [],
};

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function fitsText(text: string, length: number): boolean {
  return text.length <= length && /^[\x01-\x7f]*$/.test(text);
}

/** Only what the plain header cannot say, in a fixed order. */
function paxRecords(entry: TarEntry): Buffer {
  const records: [string, string][] = [];
  if (!fitsText(entry.name, 100)) records.push(["path", entry.name]);
  if (!fitsText(entry.linkName, 100)) records.push(["linkpath", entry.linkName]);
  if (entry.size > MAX_SIZE) records.push(["size", String(entry.size)]);
  if (entry.uid > MAX_ID) records.push(["uid", String(entry.uid)]);
  if (entry.gid > MAX_ID) records.push(["gid", String(entry.gid)]);
  if (entry.mtime < 0 || entry.mtime > MAX_SIZE) records.push(["mtime", String(entry.mtime)]);
  for (const [name, value] of entry.xattrs) records.push([`SCHILY.xattr.${name}`, value.toString("latin1")]);
  return Buffer.from(records.map(([key, value]) => record(key, value)).join(""), "latin1");
}

/** A record says its own length, digits included. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

function header(entry: TarEntry, type: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(entry.name.slice(0, 100), 0, "latin1");
  octal(block, 100, 8, entry.mode);
  octal(block, 108, 8, entry.uid > MAX_ID ? 0 : entry.uid);
  octal(block, 116, 8, entry.gid > MAX_ID ? 0 : entry.gid);
  octal(block, 124, 12, entry.size > MAX_SIZE ? 0 : entry.size);
  octal(block, 136, 12, entry.mtime < 0 || entry.mtime > MAX_SIZE ? 0 : entry.mtime);
  block.write("        ", 148, "latin1");
  block.write(type, 156, "latin1");
  block.write(entry.linkName.slice(0, 100), 157, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  octal(block, 329, 8, entry.devMajor);
  octal(block, 337, 8, entry.devMinor);
  let sum = 0;
  for (let i = 0; i < BLOCK; i++) sum += block[i] as number;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function octal(block: Buffer, at: number, width: number, value: number): void {
  block.write(value.toString(8).padStart(width - 1, "0"), at, "latin1");
}
