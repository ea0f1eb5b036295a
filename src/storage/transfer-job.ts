/** The job `transfer`: `cp`. From a container, the host or an archive to another of them, in one process and without a path. */
import { readSync } from "node:fs";
import { errnoCode, NotFoundError, StorageError, UsageError } from "../base/index.ts";
import { errnoText, type Libc, loadLibc, writeOut } from "../host/index.ts";
import { type ContainerEnd, openContainer } from "./container-end.ts";
import type { Owners } from "./copy-job.ts";
import { decompress } from "./source.ts";
import { LayerWriter } from "./tar/layer-writer.ts";
import { type TarHandler, TarParser } from "./tar/parser.ts";
import { Directory } from "./tree/directory.ts";
import { TreeEmitter } from "./tree/emit.ts";
import { isMissing, type Resolved, RootTree } from "./tree/root.ts";
import { TreeWriter } from "./tree/write.ts";

/** What the caller has found and opened: a directory, or `name` in the directory of that descriptor. */
export interface HostEnd {
  readonly kind: "host";
  readonly fd: number;
  readonly name?: string;
  /** The target's `name` is a file already. */
  readonly exists?: boolean;
}

export interface ArchiveEnd {
  readonly kind: "archive";
  readonly fd: number;
  /** Bytes that were read from it already, base64. */
  readonly head?: string;
  readonly compression?: "none" | "gzip" | "zstd";
}

export interface TransferInput {
  readonly from: ContainerEnd | HostEnd | ArchiveEnd;
  readonly to: ContainerEnd | HostEnd | ArchiveEnd;
  /** Name the source gets in a directory; empty: only what is in it. */
  readonly name: string;
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly overwrite: boolean;
}

/** @throws {KelpError} with podman's words for what does not fit together */
export async function transfer(input: TransferInput): Promise<null> {
  const { from, to } = input;
  const libc = loadLibc();
  libc.umask(0);
  const trees: RootTree[] = [];
  try {
    const source = from.kind === "archive" ? from : openSource(from, trees);
    if (to.kind !== "archive") await write(libc, input, source, openTarget(to, source.kind, trees));
    else if (source.kind !== "archive") writeArchive(libc, input, source, to.fd);
  } finally {
    for (const tree of trees) tree.close();
  }
  return null;
}

async function write(
  libc: Libc,
  { from, to, name, owner, overwrite }: TransferInput,
  source: Found | ArchiveEnd,
  target: Target,
): Promise<void> {
  const toHost = to.kind === "host";
  const writer = new TreeWriter(target.tree, target.place, {
    libc,
    owner: toHost ? { uid: 0, gid: 0 } : owner,
    owners: ownersOf(to),
    overwrite,
    followParents: !toHost,
    maskMode: toHost ? 0o6000 : 0,
  });
  try {
    if (source.kind === "archive") await readArchive(source, writer);
    else emit(libc, source, writer, { name: target.name ?? name, owners: ownersOf(from) });
    writer.finish();
  } finally {
    writer.abort();
  }
}

type Found = Extract<Resolved, { kind: "directory" | "object" }>;

function openSource(end: ContainerEnd | HostEnd, trees: RootTree[]): Found {
  if (end.kind === "container") {
    const found = resolveIn(opened(end, trees), end);
    if (found === undefined || found.kind === "missing") throw notFound(end);
    return found;
  }
  const tree = new RootTree(Directory.adopt(end.fd));
  trees.push(tree);
  const place = tree.resolve("/") as Extract<Resolved, { kind: "directory" }>;
  const found = end.name === undefined ? place : tree.step(place, end.name);
  if (found.kind === "missing")
    throw new StorageError("copy-failed", "cannot copy: the source has just gone");
  return found;
}

interface Target {
  readonly tree: RootTree;
  readonly place: Extract<Resolved, { kind: "directory" }>;
  /** What the source is called there, if not by its own name. */
  readonly name?: string;
}

function openTarget(
  end: ContainerEnd | HostEnd,
  source: (Found | ArchiveEnd)["kind"],
  trees: RootTree[],
): Target {
  if (end.kind === "host") {
    if (end.exists === true && source === "directory") throw notDirectory("copying a directory");
    const tree = new RootTree(Directory.adopt(end.fd));
    trees.push(tree);
    const place = tree.resolve("/") as Target["place"];
    return end.name === undefined ? { tree, place } : { tree, place, name: end.name };
  }
  const tree = opened(end, trees);
  const found = resolveIn(tree, end);
  if (found?.kind === "directory") return { tree, place: found };
  if (source === "archive") throw notDirectory("copying from stdin");
  if (found === undefined) throw notFound(end);
  if (found.kind === "object" && source === "directory") throw notDirectory("copying a directory");
  if (found.kind === "missing" && end.path.endsWith("/") && source === "object") throw notFound(end);
  const slash = found.path.lastIndexOf("/");
  const path = found.path.slice(0, slash) || "/";
  return { tree, place: { kind: "directory", dir: found.dir, path }, name: found.path.slice(slash + 1) };
}

function opened(end: ContainerEnd, trees: RootTree[]): RootTree {
  const tree = openContainer(end);
  trees.push(tree);
  return tree;
}

/** Undefined: a directory on the way is missing, or something else stands in its place. */
function resolveIn(tree: RootTree, end: ContainerEnd): Resolved | undefined {
  const path = Buffer.from(end.path).toString("latin1");
  try {
    // A slash at the end asks for a directory; whether a missing one will do is the caller's question.
    const found = tree.resolve(path.replace(/(?<=.)\/+$/, ""));
    return found.kind === "object" && path.endsWith("/") ? undefined : found;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new StorageError(
      "copy-failed",
      `cannot read ${JSON.stringify(end.shown)} on container ${end.container}: ${errnoText(errnoCode(error)) ?? error}`,
      { cause: error },
    );
  }
}

function ownersOf(end: TransferInput["from"]): Owners | undefined {
  return end.kind === "container" ? end.owners : undefined;
}

function emit(
  libc: Libc,
  source: Found,
  handler: TarHandler,
  { name, owners }: { readonly name: string; readonly owners: Owners | undefined },
): void {
  const emitter = new TreeEmitter(handler, { libc, skipDenied: true, owners });
  if (source.kind === "directory") emitter.directory(source.dir, name);
  else emitter.object(source.dir, source.name, name);
}

function writeArchive(libc: Libc, input: TransferInput, source: Found, fd: number): void {
  const writer = new LayerWriter((piece) => writeOut(fd, piece));
  emit(libc, source, writer, { name: input.name, owners: ownersOf(input.from) });
  writer.end();
}

async function readArchive(end: ArchiveEnd, writer: TreeWriter): Promise<void> {
  const parser = new TarParser(writer);
  const pieces = readPieces(end);
  try {
    if (end.compression === undefined || end.compression === "none")
      for (const piece of pieces) parser.push(piece);
    else for await (const piece of decompress(pieces, end.compression)) parser.push(piece);
    parser.end();
  } catch (error) {
    const invalid = error instanceof StorageError && error.code === "archive-invalid";
    if (!invalid || writer.entries > 0) throw error;
    throw new UsageError(
      "not-an-archive",
      "source must be a (compressed) tar archive when copying from stdin",
    );
  }
}

const PIECE = 256 << 10;

function* readPieces({ fd, head }: ArchiveEnd): Generator<Buffer> {
  if (head !== undefined && head !== "") yield Buffer.from(head, "base64");
  for (;;) {
    const piece = Buffer.allocUnsafe(PIECE);
    const got = readSync(fd, piece, 0, PIECE, null);
    if (got === 0) return;
    yield piece.subarray(0, got);
  }
}

function notFound(end: ContainerEnd): NotFoundError {
  return new NotFoundError(
    "no-such-path",
    `${JSON.stringify(end.shown)} could not be found on container ${end.container}: no such file or directory`,
  );
}

function notDirectory(when: string): UsageError {
  return new UsageError("not-a-directory", `destination must be a directory when ${when}`);
}
