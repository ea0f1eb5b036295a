/**
 * The job `build-copy`: COPY and ADD. The image is mounted for this process alone; its root directory becomes the
 * process's, while the working directory stays at the source, so that neither side's links lead into the other or out.
 */
import { closeSync, constants, linkSync, openSync, readSync, type Stats, writeSync } from "node:fs";
import { posix } from "node:path";
import { type Libc, loadLibc } from "../../host/index.ts";
import { fsPath } from "../../storage/index.ts";
import { makeIgnore } from "../context/ignore.ts";
import { type Selected, select } from "../context/select.ts";
import { type Found, SourceTree } from "../context/source-tree.ts";
import { addArchive, openArchive } from "./add-archive.ts";
import { isSingleMap } from "./directory-job.ts";
import { type ChangeMode, parseMode, resolveOwner } from "./owner.ts";
import { type Owner, TargetTree } from "./target-tree.ts";

/** A file whose content comes along. */
export interface InlineFile {
  readonly name: string;
  readonly content: string;
}

/** A file that was fetched, at a path of the host. */
export interface FetchedFile {
  readonly name: string;
  readonly path: string;
  /** Seconds. */
  readonly mtime: number;
}

export interface CopyRequest {
  /** The image's mounted root. */
  readonly target: string;
  /** The directory sources are taken from. */
  readonly source?: string;
  /** Sources keep their owners unless --chown says otherwise. */
  readonly owners: boolean;
  readonly patterns: readonly string[];
  readonly ignore: readonly string[];
  readonly exclude: readonly string[];
  readonly inline: readonly InlineFile[];
  readonly fetched: readonly FetchedFile[];
  /** Archives to unpack: paths of the host. */
  readonly archives: readonly string[];
  /** Absolute. */
  readonly destination: string;
  /** Several sources, or written with a slash at its end. */
  readonly intoDirectory: boolean;
  readonly parents: boolean;
  readonly chown?: string | undefined;
  readonly chmod?: string | undefined;
}

export interface CopyReply {
  /** How much was selected in the source. */
  readonly count: number;
}

/** @throws {UsageError | StorageError} */
export async function buildCopy(request: CopyRequest): Promise<CopyReply> {
  const libc = loadLibc();
  libc.umask(0);
  const source = request.source ?? "/var/empty";
  if (request.source !== undefined) process.chdir(source);
  const tree = new SourceTree(".");
  const options = {
    ignore: makeIgnore(request.ignore, "the ignore file"),
    exclude: makeIgnore(request.exclude, "--exclude"),
  };
  const found = request.patterns.map((pattern) => ({
    pattern,
    found: tree.glob(Buffer.from(pattern).toString("latin1")),
  }));
  const archives = request.archives.map(openArchive);
  const fetched = request.fetched.map((file) => ({ ...file, fd: openSync(file.path, "r") }));
  const single = isSingleMap();
  libc.chroot(request.target);
  const copier = new Copier(libc, tree, request, single);
  let count = 0;
  for (const { pattern, found: sources } of found) {
    for (const source of sources) {
      const selected = [...select(tree, source, options)];
      count += selected.length;
      copier.source(source, pivotOf(pattern), selected);
    }
  }
  for (const file of request.inline) copier.inline(file);
  for (const file of fetched) copier.fetched(file);
  for (const archive of archives)
    await addArchive(libc, archive, copier.directory(), new TargetTree(single), copier.owner);
  copier.finish();
  return { count };
}

/** With --parents what stands before `/./` is not kept. */
function pivotOf(pattern: string): string {
  const at = pattern.indexOf("/./");
  return at < 0 ? "" : pattern.slice(0, at).replace(/^\/+/, "");
}

const CHUNK = 1 << 20;
const EVERYBODY_READS = 0o644;
const PRIVATE = 0o600;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const ROOT: Owner = { uid: 0, gid: 0 };

class Copier {
  readonly #libc: Libc;
  readonly #tree: SourceTree;
  readonly #request: CopyRequest;
  readonly #target: TargetTree;
  readonly owner: Owner | undefined;
  readonly #mode: ChangeMode | undefined;
  readonly #destination: string;
  readonly #buffer = Buffer.allocUnsafe(CHUNK);
  /** First copies of files with several names. */
  readonly #linked = new Map<string, string>();
  /** Directories get their times at the end: writing into them changes it. */
  readonly #times: [string, number][] = [];

  constructor(libc: Libc, tree: SourceTree, request: CopyRequest, single: boolean) {
    this.#libc = libc;
    this.#tree = tree;
    this.#request = request;
    this.#target = new TargetTree(single);
    this.owner = request.chown === undefined ? undefined : resolveOwner(request.chown);
    this.#mode = request.chmod === undefined ? undefined : parseMode(request.chmod);
    this.#destination = Buffer.from(posix.resolve("/", request.destination)).toString("latin1").slice(1);
  }

  /** The destination as a directory. */
  directory(): string {
    this.#target.makeDirectories(this.#destination, this.owner ?? ROOT);
    return this.#destination;
  }

  source(found: Found, pivot: string, selected: readonly Selected[]): void {
    if (selected.length === 0) return;
    const base = this.#placeOf(found, pivot);
    for (const item of selected)
      this.#one(item, item.inner === "" ? base : `${base}/${item.inner}`.replace(/^\//, ""));
  }

  /** Where a source's own name goes: a directory's content lands in the destination itself. */
  #placeOf(found: Found, pivot: string): string {
    if (this.#request.parents) {
      const asked =
        pivot !== "" && found.asked.startsWith(`${pivot}/`)
          ? found.asked.slice(pivot.length + 1)
          : found.asked;
      const parent = asked.includes("/") ? asked.slice(0, asked.lastIndexOf("/")) : "";
      this.#makeParents(found, parent);
      return join(this.#destination, asked);
    }
    if (found.looks.isDirectory()) {
      this.#target.makeDirectories(
        this.#destination.slice(0, Math.max(0, this.#destination.lastIndexOf("/"))),
        this.owner ?? ROOT,
      );
      return this.#destination;
    }
    return this.#filePlace(found.asked.split("/").at(-1) as string);
  }

  #filePlace(name: string): string {
    const owner = this.owner ?? ROOT;
    if (this.#request.intoDirectory || this.#target.looks(this.#destination)?.isDirectory() === true) {
      this.#target.makeDirectories(this.#destination, owner);
      return join(this.#destination, name);
    }
    this.#target.makeDirectories(
      this.#destination.slice(0, Math.max(0, this.#destination.lastIndexOf("/"))),
      owner,
    );
    return this.#destination;
  }

  /** --parents: the directories a source lies in look as they do there. */
  #makeParents(found: Found, parent: string): void {
    this.#target.makeDirectories(this.#destination, this.owner ?? ROOT);
    const names = parent === "" ? [] : parent.split("/");
    const skipped = found.asked.split("/").length - names.length - 1;
    for (const [index] of names.entries()) {
      const path = join(this.#destination, names.slice(0, index + 1).join("/"));
      const from = this.#tree.resolve(
        found.asked
          .split("/")
          .slice(0, skipped + index + 1)
          .join("/"),
      );
      if (this.#target.directory(path) && from !== undefined) this.#looks(path, from.looks, from.path);
    }
  }

  #one({ path, inner, looks }: Selected, place: string): void {
    if (looks.isDirectory()) {
      const isNew = place !== "" && this.#target.directory(place);
      // The destination itself stays as it is; what is beneath becomes as the source is.
      if (isNew || inner !== "") this.#looks(place, looks, path);
      return;
    }
    if (this.#linkTo(looks, place)) return;
    if (looks.isSymbolicLink()) {
      this.#target.symlink(this.#tree.readlink(path), place);
      this.#target.own(place, this.#ownerOf(looks));
      this.#target.times(place, looks.mtimeMs / 1000);
      return;
    }
    if (looks.isFile()) this.#file(path, looks, place);
    else if (looks.isFIFO()) {
      this.#target.clear(place);
      this.#target.attempt(place, () => this.#libc.mknod(Buffer.from(`/${place}`, "latin1"), 0o010600, 0, 0));
      this.#looks(place, looks, path);
    }
  }

  #linkTo(looks: Stats, place: string): boolean {
    if (looks.nlink < 2 || looks.isDirectory()) return false;
    const key = `${looks.dev}:${looks.ino}`;
    const first = this.#linked.get(key);
    if (first === undefined || first === place) {
      this.#linked.set(key, place);
      return false;
    }
    this.#target.clear(place);
    this.#target.attempt(place, () => linkSync(fsPath("", first), fsPath("", place)));
    return true;
  }

  #file(path: string, looks: Stats, place: string): void {
    const from = this.#tree.open(path);
    try {
      this.#write(place, from);
    } finally {
      closeSync(from);
    }
    this.#looks(place, looks, path);
  }

  #write(place: string, from: number | Buffer): void {
    this.#target.clear(place);
    const to = this.#target.attempt(place, () => openSync(fsPath("", place), CREATE, PRIVATE));
    try {
      this.#target.attempt(place, () => {
        if (typeof from !== "number") {
          for (let at = 0; at < from.length; ) at += writeSync(to, from, at);
          return;
        }
        for (let got = readSync(from, this.#buffer, 0, CHUNK, null); got > 0; ) {
          for (let at = 0; at < got; ) at += writeSync(to, this.#buffer, at, got - at);
          got = readSync(from, this.#buffer, 0, CHUNK, null);
        }
      });
    } finally {
      closeSync(to);
    }
  }

  #ownerOf(looks: Stats): Owner {
    return this.owner ?? (this.#request.owners ? looks : ROOT);
  }

  #looks(place: string, looks: Stats, path: string): void {
    this.#target.own(place, this.#ownerOf(looks));
    const mode = looks.mode & 0o7777;
    this.#target.mode(place, this.#mode === undefined ? mode : this.#mode(mode, looks.isDirectory()));
    this.#xattrs(place, path);
    if (looks.isDirectory()) this.#times.push([place, looks.mtimeMs / 1000]);
    else this.#target.times(place, looks.mtimeMs / 1000);
  }

  /** Capabilities of programs travel between images; a context has none that mean anything there. */
  #xattrs(place: string, path: string): void {
    if (!this.#request.owners) return;
    const value = this.#libc.lgetxattr(this.#tree.fsPath(path), "security.capability");
    if (value === undefined) return;
    this.#target.attempt(place, () => this.#libc.lsetxattr(fsPath("", place), "security.capability", value));
  }

  inline({ name, content }: InlineFile): void {
    const place = this.#filePlace(Buffer.from(name).toString("latin1"));
    this.#write(place, Buffer.from(content));
    this.#plain(place, EVERYBODY_READS);
  }

  fetched({ name, fd, mtime }: FetchedFile & { readonly fd: number }): void {
    const place = this.#filePlace(Buffer.from(name).toString("latin1"));
    this.#write(place, fd);
    closeSync(fd);
    this.#plain(place, PRIVATE);
    this.#target.times(place, mtime);
  }

  #plain(place: string, mode: number): void {
    this.#target.own(place, this.owner ?? ROOT);
    this.#target.mode(place, this.#mode === undefined ? mode : this.#mode(mode, false));
  }

  finish(): void {
    for (const [path, seconds] of this.#times.reverse()) this.#target.times(path, seconds);
  }
}

function join(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}
