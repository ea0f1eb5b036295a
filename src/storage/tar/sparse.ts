/** Sparse files in tar: the old GNU header and the three PAX forms, reduced to one list of pieces. */
import { archiveError, BLOCK, number } from "./header.ts";
import { type PaxRecords, paxNumber } from "./pax.ts";

/** Where the bytes of a sparse file belong; everything else up to `size` is a hole. */
export interface SparseMap {
  readonly size: number;
  readonly pieces: readonly { readonly offset: number; readonly length: number }[];
}

const MAX_PIECES = 100_000;

type Piece = { offset: number; length: number };

/** Collects the map of an old GNU sparse header (type `S`), which may go on in further blocks. */
export class GnuSparse {
  readonly #pieces: Piece[] = [];
  readonly #size: number;
  /** Another block of the map follows. */
  more: boolean;

  constructor(header: Buffer) {
    this.#size = number(header, 483, 12, "real size");
    this.#take(header, 386, 4);
    this.more = header[482] !== 0;
  }

  extend(block: Buffer): void {
    this.#take(block, 0, 21);
    this.more = block[504] !== 0;
  }

  #take(block: Buffer, start: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const at = start + i * 24;
      if (block[at] === 0) continue;
      this.#pieces.push({
        offset: number(block, at, 12, "sparse map"),
        length: number(block, at + 12, 12, "sparse map"),
      });
    }
    if (this.#pieces.length > MAX_PIECES) throw archiveError("its sparse map is too long");
  }

  map(dataSize: number): SparseMap {
    return checkedMap(this.#size, this.#pieces, dataSize);
  }
}

/** The map of PAX formats 0.0 and 0.1, or undefined if the records describe none. */
export function paxSparse(records: PaxRecords, dataSize: number): SparseMap | undefined {
  const size = paxNumber(records, "GNU.sparse.size");
  if (size === undefined) return undefined;
  const map = records.get("GNU.sparse.map");
  const numbers = map === undefined ? interleave(records) : numberList(map);
  return checkedMap(size, pairs(numbers), dataSize);
}

function interleave(records: PaxRecords): number[] {
  const offsets = numberList(records.get("GNU.sparse.offset") ?? "");
  const lengths = numberList(records.get("GNU.sparse.numbytes") ?? "");
  if (offsets.length !== lengths.length) throw archiveError("its sparse map is incomplete");
  return offsets.flatMap((offset, index) => [offset, lengths[index] as number]);
}

function numberList(text: string): number[] {
  if (text === "") return [];
  return text.split(",").map((word) => {
    if (!/^[0-9]{1,16}$/.test(word)) throw archiveError("its sparse map is not made of numbers");
    return Number(word);
  });
}

function pairs(numbers: readonly number[]): Piece[] {
  if (numbers.length % 2 !== 0) throw archiveError("its sparse map is incomplete");
  const found: Piece[] = [];
  for (let i = 0; i < numbers.length; i += 2)
    found.push({ offset: numbers[i] as number, length: numbers[i + 1] as number });
  return found;
}

/** True if the records announce PAX format 1.0, whose map stands in front of the data. */
export function isPaxSparse1(records: PaxRecords): boolean {
  return records.get("GNU.sparse.major") === "1" && records.get("GNU.sparse.minor") === "0";
}

/** Collects the map of PAX format 1.0, which stands in whole blocks in front of the data. */
export class PaxSparse1 {
  readonly #blocks: string[] = [];
  readonly #size: number;
  #newlines = 0;
  #needed: number | undefined;

  constructor(records: PaxRecords) {
    this.#size = paxNumber(records, "GNU.sparse.realsize") ?? 0;
  }

  /** Takes the next block; true when the map is complete. */
  feed(block: Buffer): boolean {
    const text = block.toString("latin1");
    this.#blocks.push(text);
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.#newlines++;
    if (this.#needed === undefined) {
      const [count] = numberList(text.slice(0, Math.max(0, text.indexOf("\n"))));
      if (count === undefined || count > MAX_PIECES) throw archiveError("its sparse map has no valid length");
      this.#needed = 1 + count * 2;
    }
    return this.#newlines >= this.#needed;
  }

  /** @param entrySize the size of the entry in the archive, map included. */
  map(entrySize: number): SparseMap {
    const words = this.#blocks.join("").split("\n").slice(1, this.#needed);
    return checkedMap(this.#size, pairs(words.flatMap(numberList)), entrySize - this.#blocks.length * BLOCK);
  }
}

function checkedMap(size: number, pieces: readonly Piece[], dataSize: number): SparseMap {
  let end = 0;
  let sum = 0;
  for (const { offset, length } of pieces) {
    if (offset < end) throw archiveError("its sparse map overlaps");
    end = offset + length;
    sum += length;
  }
  if (!Number.isSafeInteger(end) || end > size || sum !== dataSize)
    throw archiveError("its sparse map does not match its size");
  return { size, pieces };
}
