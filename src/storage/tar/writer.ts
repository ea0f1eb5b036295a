/** Writes the small, regular tars kelp makes itself: files only, times and owners fixed, so that equal input gives equal bytes. */
import { BLOCK } from "./header.ts";

/** Where the bytes go; synchronous, so that order and back pressure are the descriptor's. */
export type Sink = (piece: Uint8Array) => void;

export class TarWriter {
  readonly #sink: Sink;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** A file whose content `pieces` must be exactly `size` bytes. */
  file(name: string, size: number, pieces: Iterable<Uint8Array>): void {
    this.#sink(header(name, size, "0", 0o644));
    let written = 0;
    for (const piece of pieces) {
      written += piece.length;
      this.#sink(piece);
    }
    if (written !== size) throw new Error(`tar member ${name} has ${written} bytes instead of ${size}`);
    this.#sink(Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK));
  }

  directory(name: string): void {
    this.#sink(header(`${name}/`, 0, "5", 0o755));
  }

  end(): void {
    this.#sink(Buffer.alloc(2 * BLOCK));
  }
}

function header(name: string, size: number, type: string, mode: number): Buffer {
  if (name.length > 100) throw new Error(`tar member name is too long: ${name}`);
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, "latin1");
  block.write(octal(mode, 8), 100, "latin1");
  block.write(octal(0, 8), 108, "latin1");
  block.write(octal(0, 8), 116, "latin1");
  writeSize(block, size);
  block.write(octal(0, 12), 136, "latin1");
  block.write("        ", 148, "latin1");
  block.write(type, 156, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Octal up to 8 GiB, GNU's base 256 beyond. */
function writeSize(block: Buffer, size: number): void {
  if (size < 2 ** 33) {
    block.write(octal(size, 12), 124, "latin1");
    return;
  }
  block[124] = 0x80;
  block.writeBigUInt64BE(BigInt(size), 128);
}

function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, "0")}\0`;
}
