/**
 * The job `assemble-tar`: a layer's archive, byte for byte, from the tree that containers/storage unpacked it to and
 * its tar-split record: what of the archive is no file's content, and which file's content goes where.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { gunzipSync } from "node:zlib";
import { StorageError } from "../base/index.ts";

export interface AssembleTarInput {
  /** The unpacked tree. */
  readonly tree: string;
  /** The tar-split record, compressed with gzip. */
  readonly split: string;
  /** Where the bytes go: 3 is the first descriptor that was passed along. */
  readonly fd: number;
}

const FILE = 1;
const SEGMENT = 2;

interface Entry {
  readonly type: number;
  readonly name?: string;
  /** Base64, for names that are not UTF-8. */
  readonly name_raw?: string;
  readonly size?: number;
  readonly payload: string | null;
}

/** @throws {StorageError} `layer-damaged` */
export async function assembleTar({ tree, split, fd }: AssembleTarInput): Promise<null> {
  const root = realpathSync(tree);
  const text = gunzipSync(readFileSync(split)).toString("utf8");
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const entry = JSON.parse(line) as Entry;
    if (entry.type === SEGMENT) writeAll(fd, Buffer.from(entry.payload ?? "", "base64"));
    else if (entry.type === FILE && (entry.size ?? 0) > 0) copyFile(root, entry, fd);
  }
  return null;
}

/** A name leads to a file beneath the tree, or nowhere: what is written is held to the layer's digest afterwards. */
function copyFile(root: string, entry: Entry, target: number): void {
  const name =
    entry.name_raw === undefined
      ? (entry.name ?? "")
      : Buffer.from(entry.name_raw, "base64").toString("latin1");
  const path = join(root, name);
  const parent = realpathSync(dirname(path));
  if (parent !== root && !parent.startsWith(root + sep)) throw damaged(name, "it leads out of the layer");
  const source = openSync(join(parent, basename(path)), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    if (fstatSync(source).size !== entry.size) throw damaged(name, "its size is not the archive's");
    const piece = Buffer.allocUnsafe(1 << 20);
    for (let count = readSync(source, piece); count > 0; count = readSync(source, piece))
      writeAll(target, piece.subarray(0, count));
  } finally {
    closeSync(source);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

function damaged(name: string, why: string): StorageError {
  return new StorageError("layer-damaged", `cannot read file ${JSON.stringify(name)} of the layer: ${why}`);
}
