/** Telling archives from other files, and their plain bytes. */
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { openInput, uncompressed } from "../../image/index.ts";
import type { Context } from "../../state/index.ts";
import { decompress, sniffCompression } from "../../storage/index.ts";

const BLOCK = 512;

/** Whether a file is a tar, compressed or not. */
export async function isArchive(ctx: Context, path: string): Promise<boolean> {
  const head = firstBlock(path);
  switch (sniffCompression(head)) {
    case "none":
      return isTarHeader(head);
    case "gzip":
    case "zstd":
      return isTarHeader(await firstPiece(path, sniffCompression(head) as "gzip" | "zstd"));
    default:
      if (/\.(tar\.\w+|t[bx]z2?)$/.test(path)) return true;
      return withPlainArchive(ctx, path, async (plain) => isTarHeader(firstBlock(plain)));
  }
}

/** Gives `work` the path of the same archive without compression. */
export async function withPlainArchive<T>(
  ctx: Context,
  path: string,
  work: (plain: string) => Promise<T>,
): Promise<T> {
  const input = await openInput(ctx, { from: path });
  const plain =
    input.compression === "bzip2" || input.compression === "xz" ? await uncompressed(ctx, input) : input;
  try {
    return await work(plain.path);
  } finally {
    plain.dispose();
  }
}

function firstBlock(path: string): Buffer {
  const fd = openSync(path, "r");
  try {
    const head = Buffer.alloc(BLOCK);
    return head.subarray(0, readSync(fd, head, 0, BLOCK, 0));
  } finally {
    closeSync(fd);
  }
}

async function firstPiece(path: string, compression: "gzip" | "zstd"): Promise<Buffer> {
  const stream = createReadStream(path, { highWaterMark: 1 << 16 });
  try {
    for await (const piece of decompress(stream as AsyncIterable<Buffer>, compression)) return piece;
  } catch {
    // Not intact: then it is copied as it is.
  } finally {
    stream.destroy();
  }
  return Buffer.alloc(0);
}

/** The sum in the header tells a tar of any make from other bytes. */
function isTarHeader(head: Buffer): boolean {
  if (head.length < BLOCK) return false;
  const promised = Number.parseInt(
    head
      .toString("latin1", 148, 156)
      .replace(/[\0 ]+$/, "")
      .trim(),
    8,
  );
  let sum = 8 * 0x20;
  for (let index = 0; index < BLOCK; index++) if (index < 148 || index >= 156) sum += head[index] as number;
  return promised === sum && head.some((byte) => byte !== 0);
}
