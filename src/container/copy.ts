/** `cp`: which ends there are, and what the one job that copies is told about them. */
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, posix, resolve } from "node:path";
import { errnoCode, NotFoundError, StorageError, UsageError } from "../base/index.ts";
import { errnoText, loadIdMaps } from "../host/index.ts";
import { openInput, uncompressed } from "../image/index.ts";
import { type RootView, readUserFiles, resolveUser, runInside } from "../runtime/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import {
  type ArchiveEnd,
  type ContainerEnd,
  type HostEnd,
  sniffCompression,
  type TransferInput,
} from "../storage/index.ts";
import { filesOf } from "./inside.ts";
import { containerRootfs } from "./rootfs.ts";

/** `-` is standard input or output as an archive. */
export type CopyPlace =
  | {
      readonly kind: "container";
      readonly record: ContainerRecord;
      readonly path: string;
      readonly name: string;
    }
  | { readonly kind: "host"; readonly path: string }
  | { readonly kind: "stream" };

export interface CopyRequest {
  readonly from: CopyPlace;
  readonly to: CopyPlace;
  /** Files in a container get the owner its processes have. */
  readonly archive: boolean;
  readonly overwrite: boolean;
  readonly stdin: () => NodeJS.ReadableStream;
}

/** @throws {KelpError} with podman's words where the two ends do not fit */
export async function copyFiles(ctx: Context, request: CopyRequest): Promise<void> {
  const copier = new Copier(ctx);
  try {
    const from = await copier.source(request);
    const to = await copier.target(request.to);
    const owner = request.to.kind === "container" ? await ownerIn(ctx, request) : undefined;
    await copier.run({
      from,
      to,
      name: sourceName(request.from),
      overwrite: request.overwrite,
      ...(owner === undefined ? {} : { owner }),
    });
  } finally {
    copier.close();
  }
}

/** Where every file belongs to the one id there is, nothing else can be said of owners. */
async function ownerIn(
  ctx: Context,
  { to, archive }: CopyRequest,
): Promise<{ uid: number; gid: number } | undefined> {
  if (loadIdMaps().single) return { uid: 0, gid: 0 };
  if (!archive || to.kind !== "container") return undefined;
  const { user, groupAdd } = to.record.config;
  const { uid, gid } = resolveUser(user, groupAdd, readUserFiles(await containerRootfs(ctx, to.record)));
  return { uid, gid };
}

/** The name the source has in a directory; none where only its content was asked for. */
function sourceName(from: CopyPlace): string {
  if (from.kind === "stream" || /(^|\/)\.$/.test(from.path)) return "";
  const path = from.kind === "host" ? resolve(from.path) : posix.resolve("/", from.path);
  return Buffer.from(basename(path)).toString("latin1");
}

class Copier {
  readonly #ctx: Context;
  readonly #fds: number[] = [];
  readonly #views: RootView[] = [];
  #dispose = () => {};

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  async source({ from, stdin }: CopyRequest): Promise<TransferInput["from"]> {
    if (from.kind === "stream") return this.#stdin(stdin);
    return from.kind === "container" ? this.#container(from) : this.#hostSource(from.path);
  }

  async target(to: CopyPlace): Promise<TransferInput["to"]> {
    if (to.kind === "stream") return { kind: "archive", fd: this.#pass(1) };
    return to.kind === "container" ? this.#container(to) : this.#hostTarget(to.path);
  }

  async run(input: TransferInput): Promise<void> {
    await runInside(this.#ctx, "transfer", input, { fds: this.#fds, views: this.#views });
  }

  close(): void {
    for (const fd of this.#fds) if (fd > 2) closeSync(fd);
    this.#dispose();
  }

  /** The number a descriptor has in the job. */
  #pass(fd: number): number {
    return 3 + this.#fds.push(fd) - 1;
  }

  async #container({ record, path, name }: Extract<CopyPlace, { kind: "container" }>): Promise<ContainerEnd> {
    const { view, ...place } = await filesOf(this.#ctx, record, true);
    if (view !== undefined) this.#views.push(view);
    return {
      ...place,
      kind: "container",
      owners: record.config.ownIds,
      path: path.startsWith("/") ? path : `${record.config.workdir || "/"}/${path}`,
      shown: path,
      container: name,
    };
  }

  /** A link is followed, as everything in the user's own view. */
  #hostSource(path: string): HostEnd {
    const found = look(path);
    if (found === undefined)
      throw new NotFoundError("no-such-path", `${JSON.stringify(path)} could not be found on the host`);
    if (found.isDirectory()) return { kind: "host", fd: this.#directory(path) };
    if (path.endsWith("/"))
      throw new UsageError("not-a-directory", `${JSON.stringify(path)} is not a directory`);
    const real = realpathSync(path);
    return { kind: "host", fd: this.#directory(dirname(real)), name: latin1(basename(real)) };
  }

  #hostTarget(path: string): HostEnd {
    const found = look(path);
    if (found?.isDirectory() === true) return { kind: "host", fd: this.#directory(path) };
    if (found !== undefined) {
      if (!found.isFile()) {
        throw new UsageError(
          "copy-target",
          `invalid destination: ${JSON.stringify(path)} must be a directory or a regular file`,
        );
      }
      const real = realpathSync(path);
      return { kind: "host", fd: this.#directory(dirname(real)), name: latin1(basename(real)), exists: true };
    }
    const parent = dirname(resolve(path));
    if (path.endsWith("/") || look(parent)?.isDirectory() !== true)
      throw new NotFoundError("no-such-path", `${JSON.stringify(path)} could not be found on the host`);
    return { kind: "host", fd: this.#directory(parent), name: latin1(basename(resolve(path))) };
  }

  #directory(path: string): number {
    try {
      return this.#pass(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
    } catch (cause) {
      const reason = errnoText(errnoCode(cause)) ?? String(cause);
      throw new StorageError("copy-failed", `cannot open ${path}: ${reason}`, { cause });
    }
  }

  /** What the host has to decompress with programs of its own becomes a plain file first. */
  async #stdin(stdin: () => NodeJS.ReadableStream): Promise<ArchiveEnd> {
    const head = peek();
    const compression = sniffCompression(head.bytes);
    if (compression === "none" || compression === "gzip" || compression === "zstd") {
      const consumed = head.consumed ? { head: head.bytes.toString("base64") } : {};
      return { kind: "archive", fd: this.#pass(await secondStdin()), compression, ...consumed };
    }
    const rest = head.consumed ? prepend(head.bytes, stdin) : stdin;
    const plain = await uncompressed(this.#ctx, await openInput(this.#ctx, { from: "-", stdin: rest }));
    this.#dispose = () => plain.dispose();
    return { kind: "archive", fd: this.#pass(openSync(plain.path, "r")), compression: "none" };
  }
}

function prepend(head: Buffer, stdin: () => NodeJS.ReadableStream): () => NodeJS.ReadableStream {
  return () =>
    (async function* () {
      yield head;
      for await (const piece of stdin()) yield piece as Buffer;
    })() as unknown as NodeJS.ReadableStream;
}

/** Bun takes descriptor 0 in a list of descriptors for none at all. */
async function secondStdin(): Promise<number> {
  const { loadLibc } = await import("../host/index.ts");
  return loadLibc().dup(0);
}

const MAGIC = 6;

/** The first bytes of standard input; those of a file stay where they are. */
function peek(): { readonly bytes: Buffer; readonly consumed: boolean } {
  const bytes = Buffer.alloc(MAGIC);
  const isFile = fstatSync(0).isFile();
  let filled = 0;
  while (filled < MAGIC) {
    const got = readSync(0, bytes, filled, MAGIC - filled, isFile ? filled : null);
    if (got === 0) break;
    filled += got;
  }
  return { bytes: bytes.subarray(0, filled), consumed: !isFile };
}

function look(path: string) {
  return path === "" ? undefined : statSync(path, { throwIfNoEntry: false });
}

function latin1(name: string): string {
  return Buffer.from(name).toString("latin1");
}
