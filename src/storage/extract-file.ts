/** Writing one file's content as it comes, with its holes. */
import { writeSync } from "node:fs";
import { archiveError } from "./tar/header.ts";
import type { TarEntry } from "./tar/parser.ts";

/** The file that `data` belongs to. */
export interface OpenFile {
  readonly fd: number;
  readonly entry: TarEntry;
  readonly name: string;
  written: number;
  piece: number;
  pieceDone: number;
}

export function writeChunk(file: OpenFile, chunk: Buffer): void {
  const sparse = file.entry.sparse;
  if (sparse === undefined) {
    for (let at = 0; at < chunk.length; )
      at += writeSync(file.fd, chunk, at, chunk.length - at, file.written + at);
    file.written += chunk.length;
    return;
  }
  for (let at = 0; at < chunk.length; ) {
    const piece = sparse.pieces[file.piece];
    if (piece === undefined) throw archiveError("its sparse map is too short");
    const wanted = Math.min(piece.length - file.pieceDone, chunk.length - at);
    if (wanted > 0) {
      const done = writeSync(file.fd, chunk, at, wanted, piece.offset + file.pieceDone);
      at += done;
      file.pieceDone += done;
    }
    if (file.pieceDone === piece.length) {
      file.piece++;
      file.pieceDone = 0;
    }
  }
}
