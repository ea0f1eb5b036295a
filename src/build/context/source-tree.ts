/**
 * A directory that COPY and ADD take files from. Its root is the end of the world: links are read by kelp, never
 * followed by the system, and one that leads out stays inside, as in a chroot.
 *
 * Names are byte strings (latin1), as the kernel has them.
 */
import { constants, lstatSync, openSync, readdirSync, readlinkSync, type Stats } from "node:fs";
import { errnoCode, UsageError } from "../../base/index.ts";
import { errnoText } from "../../host/index.ts";
import { fsPath } from "../../storage/index.ts";
import { hasWildcard, pathPattern } from "./path-pattern.ts";

export interface Found {
  /** Where it really is, relative to the root: `a/b`; empty for the root itself. */
  readonly path: string;
  /** What it was asked for as, which decides its name at the destination. */
  readonly asked: string;
  readonly looks: Stats;
}

const MAX_LINKS = 40;

export class SourceTree {
  /** What goes before a name; absolute, or `.` for a process that has been given another root. */
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  fsPath(path: string): string | Buffer {
    return path === "" ? `${this.#base}/.` : fsPath(this.#base, path);
  }

  looks(path: string): Stats | undefined {
    return attempt(path, () => lstatSync(this.fsPath(path), { throwIfNoEntry: false }));
  }

  /** Sorted by their bytes. */
  names(path: string): string[] {
    const names = attempt(path, () => readdirSync(this.fsPath(path), { encoding: "buffer" })) ?? [];
    return names.map((name) => name.toString("latin1")).sort((a, b) => (a < b ? -1 : 1));
  }

  readlink(path: string): string {
    return readlinkSync(this.fsPath(path), { encoding: "buffer" }).toString("latin1");
  }

  /** A regular file; whatever came into its place meanwhile does not block and is not followed. */
  open(path: string): number {
    const fd = attempt(path, () =>
      openSync(this.fsPath(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK),
    );
    if (fd === undefined) throw unreadable(path, "ENOENT");
    return fd;
  }

  /** Reads through links, the last one included; undefined for what is not there. */
  resolve(asked: string): Found | undefined {
    const path = this.#walk(parts(asked));
    if (path === undefined) return undefined;
    const looks = this.looks(path);
    return looks === undefined ? undefined : { path, asked: parts(asked).join("/"), looks };
  }

  #walk(wanted: readonly string[]): string | undefined {
    let left = [...wanted];
    let done: string[] = [];
    for (let links = 0; left.length > 0; ) {
      const name = left.shift() as string;
      if (name === "..") {
        done = done.slice(0, -1);
        continue;
      }
      const path = [...done, name].join("/");
      const looks = this.looks(path);
      if (looks === undefined) return undefined;
      if (!looks.isSymbolicLink()) {
        if (left.length > 0 && !looks.isDirectory()) return undefined;
        done.push(name);
        continue;
      }
      if (++links > MAX_LINKS) throw unreadable(path, "ELOOP");
      const target = this.readlink(path);
      if (target.startsWith("/")) done = [];
      left = [...parts(target, true), ...left];
    }
    return done.join("/");
  }

  /** Everything a source of COPY names, in the order of the names. A word without wildcards is one path. */
  glob(pattern: string): Found[] {
    const words = parts(pattern);
    if (!words.some(hasWildcard)) {
      const found = this.resolve(pattern);
      return found === undefined ? [] : [found];
    }
    return this.#expand([], words).flatMap((asked) => this.resolve(asked) ?? []);
  }

  #expand(done: readonly string[], left: readonly string[]): string[] {
    const [word, ...rest] = left;
    if (word === undefined) return [done.join("/")];
    if (!hasWildcard(word)) return this.#expand([...done, word], rest);
    const directory = done.length === 0 ? { path: "" } : this.resolve(done.join("/"));
    if (directory === undefined || this.looks(directory.path)?.isDirectory() !== true) return [];
    if (word === "**") {
      const below = this.names(directory.path).filter((name) =>
        this.looks(join(directory.path, name))?.isDirectory(),
      );
      return [...this.#expand(done, rest), ...below.flatMap((name) => this.#expand([...done, name], left))];
    }
    const match = matcher(word);
    const names = this.names(directory.path).filter((name) => match.test(name));
    return names.flatMap((name) => this.#expand([...done, name], rest));
  }
}

function matcher(word: string): RegExp {
  try {
    return pathPattern(word);
  } catch (error) {
    throw new UsageError("pattern-invalid", (error as Error).message);
  }
}

export function join(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

/** What is left of a path once it cannot lead above its root. */
function parts(path: string, keepUp = false): string[] {
  const found: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && !keepUp) found.pop();
    else found.push(part);
  }
  return found;
}

function attempt<T>(path: string, action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    const code = errnoCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw unreadable(path, code);
  }
}

export function unreadable(path: string, code: string | undefined): UsageError {
  const name = Buffer.from(path, "latin1").toString("utf8");
  return new UsageError("source-unreadable", `cannot read ${name}: ${errnoText(code) ?? code}`);
}
