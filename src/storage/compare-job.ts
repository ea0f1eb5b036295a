/** The job `compare-trees`: whether an unpacked layer is still what it was unpacked as. */
import { closeSync, readSync, type Stats } from "node:fs";
import { type Libc, loadLibc } from "../host/index.ts";
import { Directory } from "./tree/directory.ts";
import { isAllowedXattr, OPAQUE_XATTR } from "./xattrs.ts";

export interface CompareInput {
  readonly found: string;
  readonly expected: string;
  /** Directories whose owner, mode and time come from elsewhere (byte strings). */
  readonly implied: readonly string[];
}

/** @returns the first difference in words, or null */
export async function compareTrees(input: CompareInput): Promise<string | null> {
  const comparer = new Comparer(loadLibc(), new Set(input.implied));
  const found = Directory.open(input.found);
  const expected = Directory.open(input.expected);
  try {
    return comparer.directory(found, expected, "") ?? null;
  } finally {
    found.close();
    expected.close();
  }
}

const CHUNK = 256 << 10;

class Comparer {
  readonly #libc: Libc;
  readonly #implied: ReadonlySet<string>;
  readonly #left = Buffer.allocUnsafe(CHUNK);
  readonly #right = Buffer.allocUnsafe(CHUNK);

  constructor(libc: Libc, implied: ReadonlySet<string>) {
    this.#libc = libc;
    this.#implied = implied;
  }

  directory(found: Directory, expected: Directory, path: string): string | undefined {
    const [there, wanted] = [found.names(), expected.names()];
    const known = new Set(wanted);
    const extra = there.find((name) => !known.has(name));
    if (extra !== undefined) return `${shown(path, extra)} was added`;
    for (const name of wanted) {
      const difference = this.#one(found, expected, name, path === "" ? name : `${path}/${name}`);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }

  #one(found: Directory, expected: Directory, name: string, path: string): string | undefined {
    const [a, b] = [found.stat(name), expected.stat(name) as Stats];
    if (a === undefined) return `${shown("", path)} is missing`;
    const implied = this.#implied.has(path);
    if (implied ? (a.mode ^ b.mode) & TYPE : looksOf(a) !== looksOf(b))
      return `the looks of ${shown("", path)} changed`;
    if (!implied && !this.#sameXattrs(found.path(name), expected.path(name)))
      return `the attributes of ${shown("", path)} changed`;
    if (a.isSymbolicLink() && found.readlink(name) !== expected.readlink(name))
      return `the target of ${shown("", path)} changed`;
    if (a.isFile() && !this.#sameContent(found, expected, name))
      return `the content of ${shown("", path)} changed`;
    return a.isDirectory() ? this.#below(found, expected, name, path) : undefined;
  }

  #below(found: Directory, expected: Directory, name: string, path: string): string | undefined {
    const [a, b] = [found.child(name), expected.child(name)];
    try {
      return this.directory(a, b, path);
    } finally {
      a.close();
      b.close();
    }
  }

  #sameXattrs(a: string | Buffer, b: string | Buffer): boolean {
    const read = (path: string | Buffer) =>
      this.#libc
        .llistxattr(path)
        .filter((name) => name === OPAQUE_XATTR || isAllowedXattr(name))
        .sort()
        .map((name) => `${name}=${this.#libc.lgetxattr(path, name)?.toString("hex")}`)
        .join();
    return read(a) === read(b);
  }

  #sameContent(found: Directory, expected: Directory, name: string): boolean {
    const [a, b] = [found.openFile(name), expected.openFile(name)];
    try {
      for (let at = 0; ; ) {
        const got = readSync(a, this.#left, 0, CHUNK, at);
        if (got !== readSync(b, this.#right, 0, CHUNK, at)) return false;
        if (got === 0) return true;
        if (this.#left.compare(this.#right, 0, got, 0, got) !== 0) return false;
        at += got;
      }
    } finally {
      closeSync(a);
      closeSync(b);
    }
  }
}

const TYPE = 0o170000;

/** Times to the second: some archives say no more. Those of directories and whiteouts say when they were unpacked or mended. */
function looksOf(looks: Stats): string {
  const { mode, uid, gid } = looks;
  const time = looks.isDirectory() || looks.isCharacterDevice() ? 0 : Math.floor(looks.mtimeMs / 1000);
  return [
    mode,
    uid,
    gid,
    looks.isFile() ? looks.size : 0,
    time,
    looks.isCharacterDevice() ? looks.rdev : 0,
  ].join();
}

function shown(path: string, name: string): string {
  return JSON.stringify(Buffer.from(path === "" ? name : `${path}/${name}`, "latin1").toString("utf8"));
}
