/** Reads BoltDB files, as podman's store has them up to version 5: pages of a B+tree, all of it in memory. */
import { StorageError } from "../../base/index.ts";

const MAGIC = 0xed0cdaed;
const PAGE_HEADER = 16;
const LEAF_ELEMENT = 16;
const BRANCH_ELEMENT = 16;
const BRANCH = 1;
const LEAF = 2;
const IS_BUCKET = 1;

/** Keys in order; a value is bytes, or a bucket inside the bucket. */
export type BoltBucket = ReadonlyMap<string, Uint8Array | BoltBucket>;

/** @throws {StorageError} `bolt-damaged` */
export function readBolt(file: Buffer): BoltBucket {
  const { pageSize, root } = latestMeta(file);
  const reader = new BoltReader(file, pageSize);
  return reader.bucket(root, 0);
}

interface Meta {
  readonly pageSize: number;
  readonly root: number;
  readonly transaction: bigint;
}

/** The first two pages take turns; the later transaction's counts. */
function latestMeta(file: Buffer): Meta {
  const first = readMeta(file, 0);
  const second = readMeta(file, first?.pageSize ?? 4096);
  const metas = [first, second].filter((meta) => meta !== undefined);
  const [best] = metas.sort((a, b) => (a.transaction > b.transaction ? -1 : 1));
  if (best === undefined) throw damaged("it has no valid header");
  return best;
}

function readMeta(file: Buffer, offset: number): Meta | undefined {
  const at = offset + PAGE_HEADER;
  if (file.length < at + 64 || file.readUInt32LE(at) !== MAGIC) return undefined;
  return {
    pageSize: file.readUInt32LE(at + 8),
    root: Number(file.readBigUInt64LE(at + 16)),
    transaction: file.readBigUInt64LE(at + 48),
  };
}

class BoltReader {
  readonly #file: Buffer;
  readonly #pageSize: number;

  constructor(file: Buffer, pageSize: number) {
    this.#file = file;
    this.#pageSize = pageSize;
  }

  bucket(page: number, depth: number): BoltBucket {
    const found = new Map<string, Uint8Array | BoltBucket>();
    this.#page(page * this.#pageSize, found, depth);
    return found;
  }

  #page(at: number, found: Map<string, Uint8Array | BoltBucket>, depth: number): void {
    const file = this.#file;
    if (depth > 64 || at + PAGE_HEADER > file.length) throw damaged("a page is out of place");
    const flags = file.readUInt16LE(at + 8);
    const count = file.readUInt16LE(at + 10);
    for (let index = 0; index < count; index++) {
      if (flags === BRANCH) {
        const element = at + PAGE_HEADER + index * BRANCH_ELEMENT;
        this.#page(Number(file.readBigUInt64LE(element + 8)) * this.#pageSize, found, depth + 1);
      } else if (flags === LEAF) this.#leaf(at + PAGE_HEADER + index * LEAF_ELEMENT, found, depth);
      else throw damaged("a page is of an unknown kind");
    }
  }

  #leaf(element: number, found: Map<string, Uint8Array | BoltBucket>, depth: number): void {
    const file = this.#file;
    const start = element + file.readUInt32LE(element + 4);
    const middle = start + file.readUInt32LE(element + 8);
    const end = middle + file.readUInt32LE(element + 12);
    if (end > file.length) throw damaged("an entry is longer than the file");
    const key = file.toString("utf8", start, middle);
    found.set(
      key,
      file.readUInt32LE(element) === IS_BUCKET ? this.#inner(middle, depth) : file.subarray(middle, end),
    );
  }

  /** A small bucket's only page stands behind its header. */
  #inner(at: number, depth: number): BoltBucket {
    const root = Number(this.#file.readBigUInt64LE(at));
    if (root !== 0) return this.bucket(root, depth + 1);
    const found = new Map<string, Uint8Array | BoltBucket>();
    this.#page(at + 16, found, depth + 1);
    return found;
  }
}

function damaged(why: string): StorageError {
  return new StorageError("bolt-damaged", `cannot read podman's database: ${why}`);
}
