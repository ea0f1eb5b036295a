/** Carries out a COPY or ADD: places, owners, modes and times of what lands in the image. */
import { closeSync, linkSync, readSync, type Stats, writeSync } from "node:fs";
import { posix } from "node:path";
import { Sha256, sha256Hex } from "../../base/index.ts";
import type { Libc } from "../../host/index.ts";
import { fsPath } from "../../storage/index.ts";
import type { Selected, SourcesDigest } from "../context/select.ts";
import { type Found, join, type SourceTree } from "../context/source-tree.ts";
import type { CopyRequest, FetchedFile, InlineFile } from "./copy-job.ts";
import { type ChangeMode, parseMode, resolveOwner } from "./owner.ts";
import { type Owner, TargetTree } from "./target-tree.ts";

const CHUNK = 1 << 20;
const EVERYBODY_READS = 0o644;
const PRIVATE = 0o600;
const ROOT: Owner = { uid: 0, gid: 0 };

export class Copier {
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
  /** Digests of the files' content, by where they landed. */
  readonly #contents = new Map<string, string>();
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

  /** @param digest is told what was copied, as it was met */
  source(found: Found, pivot: string, selected: readonly Selected[], digest: SourcesDigest): void {
    digest.source(found);
    if (selected.length === 0) return;
    const base = this.#placeOf(found, pivot);
    for (const item of selected) {
      const place = item.inner === "" ? base : `${base}/${item.inner}`.replace(/^\//, "");
      this.#one(item, place);
      if (this.#request.digest === true) digest.entry(item, this.#contentOf(item, place));
    }
  }

  #contentOf({ path, looks }: Selected, place: string): string {
    if (looks.isSymbolicLink()) return sha256Hex(Buffer.from(this.#tree.readlink(path), "latin1"));
    const copied = this.#contents.get(this.#linked.get(`${looks.dev}:${looks.ino}`) ?? place);
    return looks.isFile() ? (copied ?? "") : "";
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
      // The destination itself is the image's own; what is beneath becomes as the source is.
      const isOwn = inner === "" && !this.#request.parents && this.#request.keepsTop !== true;
      if (isOwn) {
        this.#target.makeDirectories(place, this.owner ?? ROOT);
        return;
      }
      const isNew = place !== "" && this.#target.directory(place);
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
    const made = { owner: this.#ownerOf(looks), mode: this.#modeOf(looks), seconds: looks.mtimeMs / 1000 };
    try {
      this.#target.file(place, made, (to) => this.#transfer(from, to, place));
    } finally {
      closeSync(from);
    }
    this.#xattrs(place, path);
  }

  /** Notes the digest on the way, if it is asked for. */
  #transfer(from: number, to: number, place: string): void {
    const hash = this.#request.digest === true ? new Sha256() : undefined;
    for (let got = CHUNK; got > 0; ) {
      got = readSync(from, this.#buffer, 0, CHUNK, null);
      hash?.update(this.#buffer.subarray(0, got));
      for (let at = 0; at < got; ) at += writeSync(to, this.#buffer, at, got - at);
    }
    if (hash !== undefined) this.#contents.set(place, hash.digestHex());
  }

  #ownerOf(looks: Stats): Owner {
    return this.owner ?? (this.#request.owners ? looks : ROOT);
  }

  #modeOf(looks: Stats): number {
    const mode = looks.mode & 0o7777;
    return this.#mode === undefined ? mode : this.#mode(mode, looks.isDirectory());
  }

  #looks(place: string, looks: Stats, path: string): void {
    this.#target.own(place, this.#ownerOf(looks));
    this.#target.mode(place, this.#modeOf(looks));
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
    const bytes = Buffer.from(content);
    this.#plain(name, EVERYBODY_READS, undefined, (to) => {
      for (let at = 0; at < bytes.length; ) at += writeSync(to, bytes, at);
    });
  }

  fetched({ name, fd, mtime }: FetchedFile & { readonly fd: number }): void {
    this.#plain(name, PRIVATE, mtime, (to, place) => this.#transfer(fd, to, place));
    closeSync(fd);
  }

  #plain(
    name: string,
    mode: number,
    seconds: number | undefined,
    fill: (to: number, place: string) => void,
  ): void {
    const place = this.#filePlace(Buffer.from(name).toString("latin1"));
    const made = {
      owner: this.owner ?? ROOT,
      mode: this.#mode === undefined ? mode : this.#mode(mode, false),
      seconds,
    };
    this.#target.file(place, made, (to) => fill(to, place));
  }

  finish(): void {
    for (const [path, seconds] of this.#times.reverse()) this.#target.times(path, seconds);
  }
}
