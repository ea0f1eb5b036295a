/**
 * A container's root as its own processes see it: paths are resolved one component at a time from descriptors,
 * links lead to places beneath the root, `..` never above it, and volumes stand where they are mounted. Nothing is
 * mounted for it, and no path of the container is ever given to the kernel as a whole.
 */
import { mkdirSync, type Stats } from "node:fs";
import { basename, dirname } from "node:path";
import { errnoCode } from "../../base/index.ts";
import { Directory } from "./directory.ts";

export interface RootMount {
  /** Absolute, cleaned, as the container sees it. */
  readonly destination: string;
  /** Absolute path of the host. */
  readonly source: string;
  readonly isFile: boolean;
  readonly readOnly: boolean;
}

export type Resolved =
  | { readonly kind: "directory"; readonly dir: Directory; readonly path: string }
  /** Anything else: `name` in `dir`, never a link. */
  | {
      readonly kind: "object";
      readonly dir: Directory;
      readonly name: string;
      readonly path: string;
      readonly looks: Stats;
      /** A file of the host stands here: it can be written into, not replaced. */
      readonly mounted: boolean;
    }
  /** Only the last component is missing (or is a link to what is missing). */
  | { readonly kind: "missing"; readonly dir: Directory; readonly name: string; readonly path: string };

export type Place = Extract<Resolved, { kind: "directory" }>;

/** A path on its way: where it has led to, through which directories, and what is left of it, last component first. */
interface Walk {
  at: Resolved;
  readonly above: Place[];
  readonly todo: string[];
  links: number;
}

/** As many links as the kernel follows. */
const MAX_LINKS = 40;

/** Byte strings (latin1) throughout. */
export class RootTree {
  readonly #root: Directory;
  readonly #mounts: ReadonlyMap<string, RootMount>;
  readonly #open: Directory[] = [];

  constructor(root: Directory, mounts: readonly RootMount[] = []) {
    this.#root = root;
    this.#mounts = new Map(mounts.map((mount) => [mount.destination, mount]));
    this.#open.push(root);
  }

  /**
   * What a path means, with all links followed.
   *
   * @throws {Error} ENOENT, ENOTDIR, ELOOP, EACCES
   */
  resolve(path: string): Resolved {
    const walk: Walk = { at: this.#top, above: [], todo: path.split("/").reverse(), links: 0 };
    for (let name = walk.todo.pop(); name !== undefined; name = walk.todo.pop()) {
      if (walk.at.kind !== "directory") throw failure(walk.at.kind === "missing" ? "ENOENT" : "ENOTDIR");
      if (name === "..") walk.at = walk.above.pop() ?? this.#top;
      else if (name !== "" && name !== ".") this.#walk(walk, walk.at, name);
    }
    return walk.at;
  }

  #walk(walk: Walk, at: Place, name: string): void {
    const next = this.step(at, name);
    if (next.kind !== "object" || !next.looks.isSymbolicLink()) {
      walk.above.push(at);
      walk.at = next;
      return;
    }
    if (++walk.links > MAX_LINKS) throw failure("ELOOP");
    const target = next.dir.readlink(next.name);
    walk.todo.push(...target.split("/").reverse());
    if (!target.startsWith("/")) return;
    walk.above.length = 0;
    walk.at = this.#top;
  }

  get #top(): Place {
    return { kind: "directory", dir: this.#root, path: "/" };
  }

  /** One component further; a symbolic link is an object of its own here. */
  step(at: Place, name: string): Resolved {
    const path = at.path === "/" ? `/${name}` : `${at.path}/${name}`;
    const mount = this.#mounts.get(path);
    if (mount !== undefined) return this.#enter(mount, path);
    let looks = at.dir.stat(name);
    if (looks === undefined && this.isMounted(path)) {
      // A volume lies deeper than what the image has: the first start would make these directories as well.
      mkdirSync(at.dir.path(name), 0o755);
      looks = at.dir.stat(name);
    }
    if (looks === undefined) return { kind: "missing", dir: at.dir, name, path };
    if (!looks.isDirectory()) return { kind: "object", dir: at.dir, name, path, looks, mounted: false };
    return { kind: "directory", dir: this.keep(at.dir.child(name)), path };
  }

  /** True if something is mounted at or beneath that path. */
  isMounted(path: string): boolean {
    return [...this.#mounts.keys()].some((place) => place === path || place.startsWith(`${path}/`));
  }

  /** True if nothing may be written beneath that path. */
  isReadOnly(path: string): boolean {
    const over = [...this.#mounts.values()]
      .filter(({ destination }) => path === destination || path.startsWith(`${destination}/`))
      .sort((a, b) => b.destination.length - a.destination.length);
    return over[0]?.readOnly === true;
  }

  /** Closed with the root. */
  keep(dir: Directory): Directory {
    this.#open.push(dir);
    return dir;
  }

  /** Closes one before that, unless it is the root. */
  release(dir: Directory): void {
    const index = dir === this.#root ? -1 : this.#open.lastIndexOf(dir);
    if (index < 0) return;
    this.#open.splice(index, 1);
    dir.close();
  }

  close(): void {
    for (const dir of this.#open.splice(0)) dir.close();
  }

  /** The user's own path, followed as a start would. */
  #enter(mount: RootMount, path: string): Resolved {
    if (!mount.isFile) return { kind: "directory", dir: this.keep(Directory.open(mount.source)), path };
    const dir = this.keep(Directory.open(dirname(mount.source)));
    const name = Buffer.from(basename(mount.source)).toString("latin1");
    const looks = dir.stat(name);
    return looks === undefined
      ? { kind: "missing", dir, name, path }
      : { kind: "object", dir, name, path, looks, mounted: true };
  }
}

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** True for what means: there is no such thing. */
export function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoCode(error) ?? "");
}
