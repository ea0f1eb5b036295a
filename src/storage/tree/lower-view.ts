/** What the layers below show of one directory: the merged view, asked name by name. */
import { constants, type Stats } from "node:fs";
import { errnoCode } from "../../base/index.ts";
import type { Libc } from "../../host/index.ts";
import { Directory } from "./directory.ts";
import { isOpaqueDirectory, isWhiteout } from "./whiteouts.ts";

export interface LowerEntry {
  readonly looks: Stats;
  /** A symbolic link's target. */
  readonly target?: string;
}

/** The same directory in each layer that has it, topmost first. Layers are finished: nobody changes them meanwhile. */
export class LowerView {
  readonly #libc: Libc;
  readonly #dirs: readonly Directory[];

  private constructor(libc: Libc, dirs: readonly Directory[]) {
    this.#libc = libc;
    this.#dirs = dirs;
  }

  /** @param layers the layers' directories, topmost first */
  static open(libc: Libc, layers: readonly string[]): LowerView {
    return new LowerView(libc, layers.map(Directory.open));
  }

  /** A view of nothing: beneath what is new. */
  static empty(libc: Libc): LowerView {
    return new LowerView(libc, []);
  }

  /** No layer has the directory. */
  get isEmpty(): boolean {
    return this.#dirs.length === 0;
  }

  /** What is seen under that name, if anything is. */
  get(name: string): LowerEntry | undefined {
    for (const dir of this.#dirs) {
      const looks = dir.stat(name);
      if (looks === undefined) {
        if (dir.stat(`.wh.${name}`) !== undefined) return undefined;
        continue;
      }
      if (isWhiteout(looks)) return undefined;
      return looks.isSymbolicLink() ? { looks, target: dir.readlink(name) } : { looks };
    }
    return undefined;
  }

  /** Everything that is seen, sorted. */
  names(): string[] {
    const all = new Set(this.#dirs.flatMap((dir) => dir.names()));
    return [...all].filter((name) => this.get(name) !== undefined).sort();
  }

  /** The view of a directory in it; of nothing if it is none. */
  child(name: string): LowerView {
    const found: Directory[] = [];
    for (const dir of this.#dirs) {
      const child = openDirectory(dir, name);
      if (child === undefined) {
        if (dir.stat(name) !== undefined) break;
        continue;
      }
      found.push(child);
      if (isOpaqueDirectory(this.#libc, child.self, child)) break;
    }
    return new LowerView(this.#libc, found);
  }

  close(): void {
    for (const dir of this.#dirs) dir.close();
  }
}

function openDirectory(dir: Directory, name: string): Directory | undefined {
  try {
    return dir.child(name);
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoCode(error) ?? "")) return undefined;
    throw error;
  }
}

/** Everything of a file's looks that a change of it would show, its content's time and length included. */
export function looksAlike(a: Stats, b: Stats): boolean {
  const type = (looks: Stats) => looks.mode & constants.S_IFMT;
  return (
    type(a) === type(b) &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    (a.isDirectory() || a.size === b.size) &&
    Math.floor(a.mtimeMs / 1000) === Math.floor(b.mtimeMs / 1000)
  );
}
