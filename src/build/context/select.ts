/** What a COPY or ADD takes from a tree, entry by entry, and the digest of all of it. */
import { closeSync, fstatSync, readSync, type Stats } from "node:fs";
import { Sha256, sha256Hex } from "../../base/index.ts";
import type { Ignore } from "./ignore.ts";
import { type Found, join, type SourceTree } from "./source-tree.ts";

/** One object that is copied. Parents come before what is in them. */
export interface Selected {
  /** Where it is in the tree. */
  readonly path: string;
  /** Its place beneath the source it belongs to; empty for the source itself. */
  readonly inner: string;
  readonly looks: Stats;
}

export interface SelectOptions {
  /** Left out by the context's ignore file: paths from the root of the tree. */
  readonly ignore: Ignore;
  /** Left out by --exclude: paths from the source, or the name of a source that is a file. */
  readonly exclude: Ignore;
}

/** The source and everything beneath it that is not left out. */
export function* select(tree: SourceTree, source: Found, options: SelectOptions): Generator<Selected> {
  yield* below(tree, { path: source.path, inner: "", looks: source.looks }, options);
}

function* below(tree: SourceTree, at: Selected, options: SelectOptions): Generator<Selected> {
  const left = isLeftOut(at, options);
  if (!at.looks.isDirectory()) {
    if (!left) yield at;
    return;
  }
  if (left && isPruned(at, options)) return;
  let told = !left;
  if (told) yield at;
  for (const name of tree.names(at.path)) {
    const path = join(at.path, name);
    const looks = tree.looks(path);
    if (looks === undefined || looks.isSocket()) continue;
    for (const child of below(tree, { path, inner: join(at.inner, name), looks }, options)) {
      // A directory that is left out comes along if something in it does not.
      if (!told) yield at;
      told = true;
      yield child;
    }
  }
}

function isLeftOut(at: Selected, { ignore, exclude }: SelectOptions): boolean {
  return (at.path !== "" && ignore.ignores(at.path)) || isExcluded(at, exclude);
}

function isExcluded({ path, inner, looks }: Selected, exclude: Ignore): boolean {
  if (inner !== "") return exclude.ignores(inner);
  return !looks.isDirectory() && exclude.ignores(path.slice(path.lastIndexOf("/") + 1));
}

function isPruned(at: Selected, { ignore, exclude }: SelectOptions): boolean {
  return (
    (ignore.prunes && at.path !== "" && ignore.ignores(at.path)) ||
    (exclude.prunes && isExcluded(at, exclude))
  );
}

/** Digests of files' content, by what tells that they have not changed. */
export interface ContentCache {
  get(looks: Stats): string | undefined;
  set(looks: Stats, digest: string): void;
}

const CHUNK = 256 << 10;
const buffer = { bytes: undefined as Buffer | undefined };

/** SHA-256 of a file's content. */
function contentDigest(tree: SourceTree, path: string, looks: Stats, cache?: ContentCache): string {
  const known = cache?.get(looks);
  if (known !== undefined) return known;
  buffer.bytes ??= Buffer.allocUnsafe(CHUNK);
  const fd = tree.open(path);
  try {
    const hash = new Sha256();
    for (let got = 1; got > 0; ) {
      got = readSync(fd, buffer.bytes, 0, CHUNK, null);
      hash.update(buffer.bytes.subarray(0, got));
    }
    const digest = hash.digestHex();
    cache?.set(fstatSync(fd), digest);
    return digest;
  } finally {
    closeSync(fd);
  }
}

/** The digest of what sources select, entry by entry; equal for equal names, modes, links and contents. Times are not looked at. */
export class SourcesDigest {
  readonly #lines: string[] = [];
  readonly #owners: boolean;

  constructor(options: { readonly owners: boolean }) {
    this.#owners = options.owners;
  }

  source({ asked }: Found): void {
    this.#lines.push(`source ${asked}\n`);
  }

  /** @param content a file's digest, or a link's target's */
  entry({ looks, inner }: Selected, content: string): void {
    const owner = this.#owners ? `${looks.uid}:${looks.gid}` : "";
    const type = looks.isDirectory() ? "d" : looks.isSymbolicLink() ? "l" : looks.isFile() ? "f" : "o";
    this.#lines.push(`${type} ${(looks.mode & 0o7777).toString(8)} ${owner} ${content} ${inner}\n`);
  }

  end(): string {
    return sha256Hex(this.#lines.join(""));
  }
}

/** The digest of everything the sources select, and how much that is. */
export function digestSources(
  tree: SourceTree,
  sources: readonly Found[],
  options: SelectOptions & { readonly owners: boolean; readonly cache?: ContentCache },
): { readonly digest: string; readonly count: number } {
  const digest = new SourcesDigest(options);
  let count = 0;
  for (const source of sources) {
    digest.source(source);
    for (const selected of select(tree, source, options)) {
      count++;
      const { looks, path } = selected;
      const content = looks.isFile()
        ? contentDigest(tree, path, looks, options.cache)
        : looks.isSymbolicLink()
          ? sha256Hex(Buffer.from(tree.readlink(path), "latin1"))
          : "";
      digest.entry(selected, content);
    }
  }
  return { digest: digest.end(), count };
}
