/**
 * What a layer's tar has besides its files' content, kept beside the unpacked layer, so that an
 * uncompressed layer need not be stored twice to be written out again byte for byte.
 *
 * The file is a sequence of records in gzip members: `0 LENGTH bytes` stands for bytes of the tar,
 * `1 PATHLENGTH path PIECES (offset length)…` for content of a file of the layer. Numbers are u32, offsets
 * and lengths doubles, little-endian.
 */
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { zlib } from "./source.ts";
import type { TarEntry } from "./tar/parser.ts";

const FLUSH = 1 << 20;

export class LayerRecorder {
  readonly #fd: number;
  #parts: Buffer[] = [];
  #bytes = 0;
  #usable = true;
  /** Consecutive raw bytes become one record. */
  #raw: Buffer[] = [];

  constructor(path: string) {
    this.#fd = openSync(path, "wx", 0o600);
  }

  /** False once the unpacked files no longer hold all of the tar's content. */
  get usable(): boolean {
    return this.#usable;
  }

  raw(bytes: Buffer): void {
    if (!this.#usable) return;
    this.#raw.push(Buffer.from(bytes));
    this.#bytes += bytes.length;
    if (this.#bytes >= FLUSH) this.#flush();
  }

  file(name: string, entry: TarEntry): void {
    if (!this.#usable) return;
    this.#endRaw();
    const path = Buffer.from(name, "latin1");
    const pieces = entry.sparse?.pieces ?? [{ offset: 0, length: entry.size }];
    const record = Buffer.alloc(9 + path.length + pieces.length * 16);
    record.writeUInt8(1, 0);
    record.writeUInt32LE(path.length, 1);
    path.copy(record, 5);
    record.writeUInt32LE(pieces.length, 5 + path.length);
    let at = 9 + path.length;
    for (const { offset, length } of pieces) {
      record.writeDoubleLE(offset, at);
      record.writeDoubleLE(length, at + 8);
      at += 16;
    }
    this.#parts.push(record);
    this.#bytes += record.length;
  }

  /** The archive replaced one of its own files, or wrote through a link: it cannot be made again from the result. */
  giveUp(): void {
    this.#usable = false;
    this.#parts = [];
    this.#raw = [];
  }

  close(): void {
    if (this.#usable) {
      this.#flush();
      fsyncSync(this.#fd);
    }
    closeSync(this.#fd);
  }

  #endRaw(): void {
    if (this.#raw.length === 0) return;
    const body = Buffer.concat(this.#raw);
    this.#raw = [];
    const head = Buffer.alloc(5);
    head.writeUInt32LE(body.length, 1);
    this.#parts.push(head, body);
  }

  #flush(): void {
    this.#endRaw();
    if (this.#parts.length === 0) return;
    const member = zlib().gzipSync(Buffer.concat(this.#parts), { level: 1 });
    for (let at = 0; at < member.length; ) at += writeSync(this.#fd, member, at);
    this.#parts = [];
    this.#bytes = 0;
  }
}
