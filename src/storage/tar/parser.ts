/**
 * A tar reader that is fed chunks and calls a handler, synchronously: archives with millions of
 * entries cost no promise each. It reads ustar, PAX and GNU archives and refuses what readers are known to
 * disagree about (two sizes, mixed extensions, unknown types), so that nobody can smuggle entries past a scanner.
 *
 * Every byte of the stream reaches the handler exactly once, as `data` or as `raw`: written one
 * after the other they are the archive again.
 */
import { archiveError, BLOCK, decodeHeader, isZeroBlock, type RawHeader } from "./header.ts";
import { type PaxRecords, parsePax, paxNumber, paxTime } from "./pax.ts";
import { GnuSparse, isPaxSparse1, PaxSparse1, paxSparse, type SparseMap } from "./sparse.ts";

export type EntryType = "file" | "hardlink" | "symlink" | "char" | "block" | "directory" | "fifo";

export interface TarEntry {
  /** Byte string (latin1), as the archive has it. */
  readonly name: string;
  readonly type: EntryType;
  readonly linkName: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes that follow as `data`. */
  readonly size: number;
  /** Seconds. */
  readonly mtime: number;
  readonly devMajor: number;
  readonly devMinor: number;
  /** Extended attributes, values as bytes. */
  readonly xattrs: readonly (readonly [string, Buffer])[];
  readonly sparse?: SparseMap;
}

export interface TarHandler {
  entry(entry: TarEntry): void;
  /** Content of the current file; the chunk is only valid during the call. */
  data(chunk: Buffer): void;
  /** The current entry is complete. */
  endEntry(): void;
  /** Everything that is not content. */
  raw?(bytes: Buffer): void;
}

const TYPES: Readonly<Record<string, EntryType>> = {
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "file",
};

/** Longest extended header believed (Go's readers have the same limit). */
const MAX_META = 1 << 20;
/** Padding allowed after the end marker; GNU tar's default is 10 KiB in all. */
const MAX_TRAILER = 16 << 20;
/** What a PAX header for the whole archive must not set: readers disagree. */
const NOT_GLOBAL = ["path", "linkpath", "size", "GNU.sparse.size", "GNU.sparse.major"];

/** What the parser is in the middle of. */
type State = "header" | "meta" | "sparse-gnu" | "sparse-pax" | "data" | "padding" | "trailer";

export class TarParser {
  readonly #handler: TarHandler;
  #state: State = "header";
  /** Bytes of the current state still to come. */
  #left = 0;
  readonly #block = Buffer.alloc(BLOCK);
  #filled = 0;
  #position = 0;
  #zeroBlock = false;
  #trailer = 0;

  #meta: { type: string; body: Buffer; filled: number } | undefined;
  #pax: PaxRecords | undefined;
  #longName: string | undefined;
  #longLink: string | undefined;

  #header: RawHeader | undefined;
  #padding = 0;
  #gnuSparse: GnuSparse | undefined;
  #paxSparse: PaxSparse1 | undefined;

  constructor(handler: TarHandler) {
    this.#handler = handler;
  }

  /** @throws {StorageError} `archive-invalid`; the parser is of no use afterwards. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const rest = at === 0 ? chunk : chunk.subarray(at);
      const used = this.#step(rest);
      at += used;
      this.#position += used;
    }
  }

  /** During `entry`: where in the archive its content begins. */
  get contentOffset(): number {
    return (Math.floor(this.#position / BLOCK) + 1) * BLOCK;
  }

  /** Passes over the rest of the current file's content; returns how many bytes the next chunk must not contain. */
  skipContent(): number {
    if (this.#state !== "data") return 0;
    const skipped = this.#left;
    this.#position += skipped;
    this.#left = 0;
    this.#endData();
    return skipped;
  }

  /** @throws {StorageError} `archive-truncated` if the archive ends inside an entry. */
  end(): void {
    const clean =
      this.#state === "trailer" || (this.#state === "header" && this.#filled === 0 && !this.#hasMeta());
    if (!clean) throw archiveError("it ends too early");
  }

  /** Consumes some of `rest` (at least one byte) and says how much. */
  #step(rest: Buffer): number {
    switch (this.#state) {
      case "data":
        return this.#takeData(rest);
      case "padding":
        return this.#takePadding(rest);
      case "meta":
        return this.#takeMeta(rest);
      case "trailer":
        return this.#takeTrailer(rest);
      default:
        return this.#takeBlock(rest);
    }
  }

  #takeData(rest: Buffer): number {
    const piece = rest.length <= this.#left ? rest : rest.subarray(0, this.#left);
    this.#handler.data(piece);
    this.#left -= piece.length;
    if (this.#left === 0) this.#endData();
    return piece.length;
  }

  #endData(): void {
    this.#handler.endEntry();
    this.#left = this.#padding;
    this.#state = this.#left > 0 ? "padding" : "header";
  }

  #takePadding(rest: Buffer): number {
    const piece = rest.length <= this.#left ? rest : rest.subarray(0, this.#left);
    this.#handler.raw?.(piece);
    this.#left -= piece.length;
    if (this.#left === 0) this.#state = "header";
    return piece.length;
  }

  #takeTrailer(rest: Buffer): number {
    this.#trailer += rest.length;
    if (this.#trailer > MAX_TRAILER) throw archiveError("too many bytes follow its end marker");
    this.#handler.raw?.(rest);
    return rest.length;
  }

  #takeMeta(rest: Buffer): number {
    const meta = this.#meta!;
    const piece = rest.length <= this.#left ? rest : rest.subarray(0, this.#left);
    this.#handler.raw?.(piece);
    if (meta.filled < meta.body.length) meta.filled += piece.copy(meta.body, meta.filled);
    this.#left -= piece.length;
    if (this.#left === 0) {
      this.#state = "header";
      this.#endMeta(meta.type, meta.body);
    }
    return piece.length;
  }

  #takeBlock(rest: Buffer): number {
    const taken = rest.copy(this.#block, this.#filled, 0, BLOCK - this.#filled);
    this.#filled += taken;
    if (this.#filled < BLOCK) return taken;
    this.#filled = 0;
    this.#handler.raw?.(this.#block);
    if (this.#state === "sparse-gnu") this.#extendGnuSparse();
    else if (this.#state === "sparse-pax") this.#extendPaxSparse();
    else this.#takeHeader();
    return taken;
  }

  #takeHeader(): void {
    if (isZeroBlock(this.#block)) {
      if (this.#hasMeta()) throw archiveError("an extended header belongs to no entry");
      if (this.#zeroBlock) this.#state = "trailer";
      this.#zeroBlock = true;
      return;
    }
    if (this.#zeroBlock) throw archiveError("entries follow an empty header");
    const header = decodeHeader(this.#block);
    if ("xgLK".includes(header.type)) this.#beginMeta(header);
    else if (header.type === "V") this.#skipLabel(header);
    else this.#beginEntry(header);
  }

  #skipLabel(header: RawHeader): void {
    if (header.size !== 0 || this.#hasMeta()) throw archiveError("a volume label has content");
  }

  #beginMeta(header: RawHeader): void {
    if (header.size > MAX_META)
      throw archiveError(`an extended header claims ${header.size} bytes, the limit is ${MAX_META}`);
    const twice =
      (header.type === "x" && this.#hasMeta()) ||
      (header.type === "L" && (this.#longName !== undefined || this.#pax !== undefined)) ||
      (header.type === "K" && (this.#longLink !== undefined || this.#pax !== undefined)) ||
      (header.type === "g" && this.#hasMeta());
    if (twice) throw archiveError("it mixes extended headers that contradict each other");
    const body = Buffer.alloc(header.size);
    this.#meta = { type: header.type, body, filled: 0 };
    this.#left = Math.ceil(header.size / BLOCK) * BLOCK;
    if (this.#left > 0) this.#state = "meta";
    else this.#endMeta(header.type, body);
  }

  #endMeta(type: string, body: Buffer): void {
    this.#meta = undefined;
    if (type === "x") this.#pax = parsePax(body);
    else if (type === "g") refuseGlobal(parsePax(body));
    else if (type === "L") this.#longName = cString(body);
    else this.#longLink = cString(body);
  }

  #hasMeta(): boolean {
    return this.#pax !== undefined || this.#longName !== undefined || this.#longLink !== undefined;
  }

  #beginEntry(header: RawHeader): void {
    const size = this.#pax === undefined ? undefined : paxNumber(this.#pax, "size");
    this.#header = size === undefined ? header : { ...header, size };
    this.#padding = (BLOCK - (this.#header.size % BLOCK)) % BLOCK;
    if (header.type === "S") {
      this.#gnuSparse = new GnuSparse(this.#block);
      if (this.#gnuSparse.more) this.#state = "sparse-gnu";
      else this.#emit(this.#gnuSparse.map(this.#header.size));
    } else if (this.#pax !== undefined && isPaxSparse1(this.#pax)) {
      this.#paxSparse = new PaxSparse1(this.#pax);
      this.#left = this.#header.size;
      this.#state = "sparse-pax";
      if (this.#left < BLOCK) throw archiveError("its sparse map is missing", header.name);
    } else {
      this.#emit(this.#pax === undefined ? undefined : paxSparse(this.#pax, this.#header.size));
    }
  }

  #extendGnuSparse(): void {
    const sparse = this.#gnuSparse!;
    sparse.extend(this.#block);
    if (!sparse.more) this.#emit(sparse.map(this.#header!.size));
  }

  #extendPaxSparse(): void {
    this.#left -= BLOCK;
    if (!this.#paxSparse!.feed(this.#block)) {
      if (this.#left < BLOCK)
        throw archiveError("its sparse map is longer than the entry", this.#header!.name);
      return;
    }
    const map = this.#paxSparse!.map(this.#header!.size);
    this.#header = { ...this.#header!, size: this.#left };
    this.#emit(map);
  }

  /** The entry is known in full: hands it over and goes on to its content. */
  #emit(sparse: SparseMap | undefined): void {
    const header = this.#header!;
    const entry = makeEntry(header, this.#pax, this.#longName, this.#longLink, sparse);
    this.#pax = undefined;
    this.#longName = undefined;
    this.#longLink = undefined;
    this.#gnuSparse = undefined;
    this.#paxSparse = undefined;
    this.#header = undefined;
    this.#handler.entry(entry);
    this.#left = entry.size;
    if (this.#left > 0) this.#state = "data";
    else this.#endData();
  }
}

function refuseGlobal(records: PaxRecords): void {
  const bad = NOT_GLOBAL.find((key) => records.has(key));
  if (bad !== undefined) throw archiveError(`a PAX header sets ${bad} for all entries`);
}

function cString(body: Buffer): string {
  const text = body.toString("latin1");
  const end = text.indexOf("\0");
  if (end >= 0 && /[^\0]/.test(text.slice(end)))
    throw archiveError("a long name has a NUL inside", text.slice(0, end));
  return end < 0 ? text : text.slice(0, end);
}

function makeEntry(
  header: RawHeader,
  pax: PaxRecords | undefined,
  longName: string | undefined,
  longLink: string | undefined,
  sparse: SparseMap | undefined,
): TarEntry {
  const name = longName ?? pax?.get("GNU.sparse.name") ?? pax?.get("path") ?? header.name;
  const known = TYPES[header.type];
  if (known === undefined) throw archiveError(`its type ${JSON.stringify(header.type)} is not known`, name);
  // Before POSIX a directory was a file whose name ends in a slash.
  const type = known === "file" && header.size === 0 && name.endsWith("/") ? "directory" : known;
  if (type !== "file" && header.size !== 0) throw archiveError(`it is a ${type} with content`, name);
  return {
    name,
    type,
    linkName: longLink ?? pax?.get("linkpath") ?? header.linkName,
    mode: header.mode,
    uid: (pax && paxNumber(pax, "uid")) ?? header.uid,
    gid: (pax && paxNumber(pax, "gid")) ?? header.gid,
    size: header.size,
    mtime: (pax && paxTime(pax, "mtime")) ?? header.mtime,
    devMajor: header.devMajor,
    devMinor: header.devMinor,
    xattrs: pax === undefined ? [] : xattrs(pax),
    ...(sparse === undefined ? {} : { sparse }),
  };
}

const XATTR_KEY = "SCHILY.xattr.";

function xattrs(pax: PaxRecords): [string, Buffer][] {
  const found: [string, Buffer][] = [];
  for (const [key, value] of pax) {
    if (key.startsWith(XATTR_KEY)) found.push([key.slice(XATTR_KEY.length), Buffer.from(value, "latin1")]);
  }
  return found;
}
