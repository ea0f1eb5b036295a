/**
 * Writes archives header by header, so that a test can make what no tar library would: wrong
 * checksums and sizes, odd names and types, records that contradict each other.
 */
export interface RawEntry {
  name: string | Uint8Array;
  /** "0" file, "1" hard link, "2" symlink, "3" and "4" devices, "5" directory, "x" and "g" PAX, "L" and "K" GNU long name and link. */
  type?: string;
  link?: string;
  data?: string | Uint8Array;
  mode?: number;
  uid?: number;
  gid?: number;
  mtime?: number;
  major?: number;
  minor?: number;
  /** The size field; the data's length unless told. */
  size?: number;
  /** Writes the size in GNU's base-256 form. */
  base256?: boolean;
  /** The checksum field; the right one unless told. */
  checksum?: number;
  magic?: string;
  /** Leaves out the padding after the data. */
  unpadded?: boolean;
}

const BLOCK = 512;

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, "0")}\0`;
}

function padded(data: Uint8Array): Buffer {
  return Buffer.concat([data, Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK)]);
}

function writeSize(header: Buffer, entry: RawEntry, length: number): void {
  const size = entry.size ?? length;
  if (!entry.base256) return void header.write(octal(size, 12), 124, "latin1");
  header.fill(0, 124, 136);
  header.writeUInt8(0x80, 124);
  header.writeBigUInt64BE(BigInt(size), 128);
}

function rawHeader(entry: RawEntry, length: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  header.set(Buffer.from(entry.name as string).subarray(0, 100), 0);
  header.write(octal(entry.mode ?? 0o644, 8), 100, "latin1");
  header.write(octal(entry.uid ?? 0, 8), 108, "latin1");
  header.write(octal(entry.gid ?? 0, 8), 116, "latin1");
  writeSize(header, entry, length);
  header.write(octal(entry.mtime ?? 0, 12), 136, "latin1");
  header.write("        ", 148, "latin1");
  header.write(entry.type ?? "0", 156, "latin1");
  header.write(entry.link ?? "", 157, 100, "utf8");
  header.write(entry.magic ?? "ustar\x0000", 257, "latin1");
  header.write(octal(entry.major ?? 0, 8), 329, "latin1");
  header.write(octal(entry.minor ?? 0, 8), 337, "latin1");
  const sum = entry.checksum ?? header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

function rawEntry(entry: RawEntry): Buffer {
  const data = Buffer.from((entry.data ?? "") as string);
  return Buffer.concat([rawHeader(entry, data.length), entry.unpadded ? data : padded(data)]);
}

/** The archive; `end: false` leaves out the two empty blocks that close it. */
export function rawTar(entries: readonly RawEntry[], options: { end?: boolean } = {}): Buffer {
  const end = Buffer.alloc(options.end === false ? 0 : 2 * BLOCK);
  return Buffer.concat([...entries.map(rawEntry), end]);
}

/** A PAX header for the entry after it; a record's length may be given to lie about it. */
export function paxEntry(
  records: readonly { key: string; value: string; length?: number }[],
  type = "x",
): RawEntry {
  const lines = records.map(({ key, value, length }) => {
    const rest = ` ${key}=${value}\n`;
    let total = Buffer.byteLength(rest) + 1;
    while (String(total).length + Buffer.byteLength(rest) > total) total += 1;
    return `${length ?? total}${rest}`;
  });
  return { name: "PaxHeaders/x", type, data: lines.join("") };
}
