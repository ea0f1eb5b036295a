/** What the user points at (a file, a directory, a URL, standard input) as something that can be read at any place. */
import {
  closeSync,
  createReadStream,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  rmSync,
  statSync,
} from "node:fs";
import { resolve } from "node:path";
import { errnoCode, HostError, NotFoundError, redact, StorageError } from "../base/index.ts";
import { errnoText, findProgram } from "../host/index.ts";
import type { Context } from "../state/index.ts";
import {
  BlobStore,
  type BlobWriter,
  decompress,
  lockShared,
  type StoreLock,
  sniffCompression,
} from "../storage/index.ts";

export interface ImageInput {
  readonly kind: "file" | "directory";
  readonly path: string;
  readonly size: number;
  /** What the file is compressed with. */
  readonly compression: "none" | "gzip" | "zstd" | "bzip2" | "xz";
  /** As the user named it. */
  readonly name: string;
  /** Removes temporary copies; call when the image is in the store. */
  dispose(): void;
}

export interface InputSource {
  /** A path, a URL, or `-` for standard input. */
  readonly from: string;
  readonly stdin?: () => NodeJS.ReadableStream;
}

/**
 * Opens what the user named. Streams are copied to the store's directory of half-made things first,
 * since an archive's table of contents may stand at its end.
 *
 * @throws {NotFoundError | StorageError}
 */
export async function openInput(ctx: Context, source: InputSource): Promise<ImageInput> {
  if (/^https?:\/\//.test(source.from)) return spool(ctx, source.from, await download(source.from));
  if (source.from !== "-") return openPath(source.from, source.from);
  const redirected = redirectedFile();
  if (redirected !== undefined) return openPath(redirected, "standard input");
  if (source.stdin === undefined) throw new Error("standard input is not available here");
  return spool(ctx, "standard input", source.stdin() as AsyncIterable<Buffer>);
}

/** @param given may be relative: jobs, which have another working directory, get it resolved */
function openPath(given: string, name: string): ImageInput {
  const path = resolve(given);
  try {
    const found = statSync(path);
    if (found.isDirectory())
      return { kind: "directory", path, size: 0, compression: "none", name, dispose: () => {} };
    return { kind: "file", path, size: found.size, compression: sniffFile(path), name, dispose: () => {} };
  } catch (error) {
    const code = errnoCode(error);
    if (code === "ENOENT")
      throw new NotFoundError("file-not-found", `cannot open ${name}: no such file or directory`, {
        cause: error,
      });
    throw new StorageError("read-failed", `cannot open ${name}: ${errnoText(code) ?? code ?? error}`, {
      cause: error,
    });
  }
}

/** The file behind `< FILE`, if that is what standard input is and nothing of it was read. */
function redirectedFile(): string | undefined {
  try {
    const stdin = fstatSync(0);
    const path = readlinkSync("/proc/self/fd/0");
    const there = lstatSync(path);
    return stdin.isFile() && there.ino === stdin.ino && there.dev === stdin.dev ? path : undefined;
  } catch {
    return undefined;
  }
}

function sniffFile(path: string): ImageInput["compression"] {
  const head = Buffer.alloc(6);
  const fd = openSync(path, "r");
  try {
    return sniffCompression(head.subarray(0, readSync(fd, head, 0, 6, 0)));
  } finally {
    closeSync(fd);
  }
}

async function download(url: string): Promise<AsyncIterable<Buffer>> {
  let reason: string;
  try {
    const response = await fetch(url);
    if (response.ok && response.body !== null) return response.body as unknown as AsyncIterable<Buffer>;
    reason = `the server answered ${response.status} ${response.statusText}`.trim();
  } catch (error) {
    reason = (error as Error).message;
  }
  throw new StorageError("download-failed", `cannot download ${redact(url)}: ${reason}`);
}

async function spool(ctx: Context, name: string, pieces: AsyncIterable<Uint8Array>): Promise<ImageInput> {
  const copy = await writeTemporary(ctx, pieces);
  return {
    kind: "file",
    path: copy.path,
    size: copy.size,
    compression: sniffFile(copy.path),
    name,
    dispose: copy.dispose,
  };
}

interface Temporary {
  readonly path: string;
  readonly size: number;
  dispose(): void;
}

async function writeTemporary(
  ctx: Context,
  pieces: AsyncIterable<Uint8Array>,
  limit = Number.POSITIVE_INFINITY,
): Promise<Temporary> {
  const lock: StoreLock = await lockShared(ctx.paths);
  let writer: BlobWriter | undefined;
  try {
    writer = new BlobStore(ctx.paths).begin();
    for await (const piece of pieces) {
      writer.write(piece);
      if (writer.size > limit) throw tooLarge(limit);
    }
    const { path, size } = writer.finish();
    return {
      path,
      size,
      dispose() {
        rmSync(path, { force: true });
        lock.release();
      },
    };
  } catch (error) {
    writer?.abort();
    lock.release();
    throw error;
  }
}

function tooLarge(limit: number): StorageError {
  return new StorageError(
    "archive-too-large",
    `cannot read archive: it grows beyond ${limit} bytes, which is out of proportion to its compressed size`,
  );
}

/** The same input without compression, as a copy if need be; the given one is disposed of with it. */
export async function uncompressed(ctx: Context, input: ImageInput): Promise<ImageInput> {
  if (input.compression === "none") return input;
  const pieces =
    input.compression === "gzip" || input.compression === "zstd"
      ? decompress(
          createReadStream(input.path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>,
          input.compression,
        )
      : runDecompressor(input.compression, input.path);
  const copy = await writeTemporary(ctx, pieces, Math.max(4 * 2 ** 30, input.size * 200));
  return {
    ...input,
    path: copy.path,
    size: copy.size,
    compression: sniffFile(copy.path),
    dispose() {
      copy.dispose();
      input.dispose();
    },
  };
}

/** bzip2 and xz are the host's programs, run here and never inside a container's root. */
async function* runDecompressor(program: "bzip2" | "xz", path: string): AsyncGenerator<Buffer> {
  const found = findProgram(program);
  if (found === undefined) {
    throw new HostError(
      "program-missing",
      `cannot decompress ${path}: the program ${program} is not installed`,
      {
        hint: `install ${program === "xz" ? "xz-utils" : "bzip2"}, or decompress the file first`,
      },
    );
  }
  const limits = program === "xz" ? ["--memlimit-decompress=1GiB"] : [];
  const fd = openSync(path, "r");
  const { spawn } = process.getBuiltinModule("node:child_process");
  const child = spawn(found, [...limits, "-dc"], { stdio: [fd, "pipe", "ignore"], env: {} });
  closeSync(fd);
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  try {
    for await (const piece of child.stdout!) yield piece as Buffer;
  } finally {
    child.kill();
  }
  if ((await ended) !== 0)
    throw new StorageError("archive-invalid", `cannot read archive: it is not intact ${program} data`);
}
