/** ADD of a local archive: its entries land beneath the destination, and links of the image are followed inside the image. */
import { closeSync, linkSync, openSync, readSync, statSync, writeSync } from "node:fs";
import type { Libc } from "../../host/index.ts";
import {
  closeRange,
  decompress,
  entryComponents,
  fsPath,
  type OpenRange,
  openRange,
  readRange,
  sniffCompression,
  type TarEntry,
  type TarHandler,
  TarParser,
} from "../../storage/index.ts";
import { cannot, type Owner, type TargetTree } from "./target-tree.ts";

/** Before the process's root changes. */
export function openArchive(path: string): OpenRange {
  return openRange({ path, offset: 0, size: statSync(path).size });
}

export async function addArchive(
  libc: Libc,
  archive: OpenRange,
  directory: string,
  target: TargetTree,
  owner: Owner | undefined,
): Promise<void> {
  const adder = new ArchiveAdder(libc, directory, target, owner);
  const parser = new TarParser(adder);
  try {
    const head = Buffer.alloc(6);
    readSync(archive.fd, head, 0, 6, 0);
    const compression = sniffCompression(head);
    const gzip = compression === "gzip" || compression === "zstd";
    for await (const piece of gzip ? decompress(readRange(archive, true), compression) : readRange(archive))
      parser.push(piece);
    parser.end();
    adder.finish();
  } finally {
    adder.abort();
    closeRange(archive);
  }
}

const ROOT = { uid: 0, gid: 0 };
const MAX_ENTRIES = 5_000_000;

class ArchiveAdder implements TarHandler {
  readonly #libc: Libc;
  readonly #directory: string;
  readonly #target: TargetTree;
  /** Instead of the archive's. */
  readonly #owner: Owner | undefined;
  readonly #times: [string, number][] = [];
  #file: { readonly fd: number; readonly place: string; readonly entry: TarEntry } | undefined;
  #entries = 0;

  constructor(libc: Libc, directory: string, target: TargetTree, owner: Owner | undefined) {
    this.#owner = owner;
    this.#libc = libc;
    this.#directory = directory;
    this.#target = target;
  }

  entry(entry: TarEntry): void {
    const place = this.#placeOf(entry.name);
    if (++this.#entries > MAX_ENTRIES) throw cannot(place, "the archive has too many entries");
    if (place !== this.#directory) this.#make(entry, place);
  }

  #placeOf(name: string): string {
    const inner = entryComponents(name).join("/");
    return [this.#directory, inner].filter((part) => part !== "").join("/");
  }

  #make(entry: TarEntry, place: string): void {
    this.#target.makeDirectories(place.slice(0, Math.max(0, place.lastIndexOf("/"))), ROOT);
    switch (entry.type) {
      case "directory":
        this.#target.directory(place);
        this.#looks(place, entry);
        this.#times.push([place, entry.mtime]);
        return;
      case "symlink":
        this.#target.symlink(entry.linkName, place);
        this.#target.own(place, this.#owner ?? entry);
        this.#target.times(place, entry.mtime);
        return;
      case "hardlink": {
        const first = this.#placeOf(entry.linkName);
        this.#target.clear(place);
        this.#target.attempt(place, () => linkSync(fsPath("", first), fsPath("", place)));
        return;
      }
      case "file":
        if (entry.sparse !== undefined) throw cannot(place, "the archive has it as a sparse file");
        this.#target.clear(place);
        this.#file = {
          fd: this.#target.attempt(place, () => openSync(fsPath("", place), "wx", 0o600)),
          place,
          entry,
        };
        return;
      case "fifo":
        this.#target.clear(place);
        this.#target.attempt(place, () =>
          this.#libc.mknod(Buffer.from(`/${place}`, "latin1"), 0o010600, 0, 0),
        );
        this.#looks(place, entry);
        return;
      default: // A user can make no devices.
    }
  }

  data(chunk: Buffer): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#target.attempt(file.place, () => {
      for (let at = 0; at < chunk.length; ) at += writeSync(file.fd, chunk, at);
    });
  }

  endEntry(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    closeSync(file.fd);
    this.#looks(file.place, file.entry);
    this.#target.times(file.place, file.entry.mtime);
  }

  #looks(place: string, entry: TarEntry): void {
    this.#target.own(place, this.#owner ?? entry);
    this.#target.mode(place, entry.mode);
  }

  finish(): void {
    for (const [path, seconds] of this.#times.reverse()) this.#target.times(path, seconds);
  }

  abort(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
  }
}
