/** The job `assemble-layers`: writes uncompressed layers out again, byte for byte, from recording and files. */
import { closeSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { errnoCode, StorageError } from "../base/index.ts";
import { errnoText, loadLibc } from "../host/index.ts";
import { Digester } from "../oci/index.ts";
import { fsPath } from "./entry-path.ts";
import { CHUNK, closeRange, decompress, openRange, readRange } from "./source.ts";
import { printable } from "./tar/header.ts";

export interface AssembleInput {
  readonly layers: readonly {
    readonly dir: string;
    readonly recording: string;
    /** A file to be made. */
    readonly out: string;
    readonly diffId: string;
  }[];
}

/** @throws {StorageError} `layer-damaged` if the result has not the digest it must have */
export async function assembleLayers(input: AssembleInput): Promise<null> {
  const libc = loadLibc();
  process.chdir("/");
  for (const layer of input.layers) {
    const fd = openSync(layer.out, "wx", 0o600);
    const recording = openRange({ path: layer.recording, offset: 0, size: statSync(layer.recording).size });
    const writer = new Writer(fd);
    let inside = false;
    try {
      const records = new RecordReader(writer);
      for await (const piece of decompress(readRange(recording, true), "gzip")) {
        if (!inside) libc.chroot(layer.dir);
        inside = true;
        records.push(piece);
      }
    } finally {
      if (inside) libc.chroot(".");
      closeSync(fd);
      closeRange(recording);
    }
    const found = writer.digester.digest();
    if (found !== layer.diffId) throw damaged(layer.dir, `it gives ${found} instead of ${layer.diffId}`);
  }
  return null;
}

class Writer {
  readonly digester = new Digester();
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(CHUNK);

  constructor(fd: number) {
    this.#fd = fd;
  }

  bytes(piece: Buffer): void {
    this.digester.update(piece);
    for (let at = 0; at < piece.length; ) at += writeSync(this.#fd, piece, at);
  }

  /** Content of a file of the layer; the process is chrooted into it. */
  file(name: string, pieces: readonly (readonly [number, number])[]): void {
    const fd = openFile(name);
    try {
      for (const [offset, length] of pieces) this.#copy(fd, name, offset, length);
    } finally {
      closeSync(fd);
    }
  }

  #copy(fd: number, name: string, offset: number, length: number): void {
    for (let done = 0; done < length; ) {
      const got = readSync(fd, this.#buffer, 0, Math.min(CHUNK, length - done), offset + done);
      if (got === 0) throw damaged(printable(name), "the file is shorter than it was");
      this.bytes(this.#buffer.subarray(0, got));
      done += got;
    }
  }
}

function openFile(name: string): number {
  try {
    return openSync(fsPath("", name), "r");
  } catch (error) {
    throw damaged(printable(name), errnoText(errnoCode(error)) ?? String(error));
  }
}

/** Splits the recording's bytes into records (see recorder.ts). */
class RecordReader {
  #rest: Buffer = Buffer.alloc(0);
  readonly #writer: Writer;

  constructor(writer: Writer) {
    this.#writer = writer;
  }

  push(piece: Buffer): void {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    for (let used = this.#record(); used > 0; used = this.#record()) this.#rest = this.#rest.subarray(used);
  }

  /** Carries out the first record; 0 if it is not complete yet. */
  #record(): number {
    const rest = this.#rest;
    if (rest.length < 5) return 0;
    const length = rest.readUInt32LE(1);
    if (rest[0] === 0) {
      if (rest.length < 5 + length) return 0;
      this.#writer.bytes(rest.subarray(5, 5 + length));
      return 5 + length;
    }
    if (rest.length < 9 + length) return 0;
    const count = rest.readUInt32LE(5 + length);
    const end = 9 + length + count * 16;
    if (rest.length < end) return 0;
    const pieces: [number, number][] = [];
    for (let at = 9 + length; at < end; at += 16)
      pieces.push([rest.readDoubleLE(at), rest.readDoubleLE(at + 8)]);
    this.#writer.file(rest.toString("latin1", 5, 5 + length), pieces);
    return end;
  }
}

function damaged(what: string, reason: string): StorageError {
  return new StorageError("layer-damaged", `cannot write out layer ${what}: ${reason}`, {
    hint: "`kelp system check --repair` mends what can be mended",
  });
}
