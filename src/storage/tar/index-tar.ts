/** A tar on disk as a table of contents: names, and where their bytes are. Content is not read. */
import { readSync } from "node:fs";
import type { FileRange } from "../source.ts";
import { closeRange, openRange } from "../source.ts";
import { archiveError } from "./header.ts";
import { type TarEntry, TarParser } from "./parser.ts";

/** Archives of images have some thousand entries at most. */
const MAX_ENTRIES = 200_000;
const CHUNK = 16 << 10;
const MAX_HOPS = 8;

export class TarIndex {
  readonly #path: string;
  readonly #files = new Map<string, FileRange>();
  readonly #links = new Map<string, string>();

  /** @throws {StorageError} `archive-invalid` if the file is no tar */
  constructor(path: string, size: number) {
    this.#path = path;
    const range = openRange({ path, offset: 0, size });
    try {
      this.#read(range.fd, size);
    } finally {
      closeRange(range);
    }
  }

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  /** A file of the archive; links between members are followed, as old docker archives have them. */
  find(name: string): FileRange | undefined {
    let wanted: string | undefined = clean(name);
    for (let hops = 0; wanted !== undefined && hops < MAX_HOPS; hops++) {
      const file = this.#files.get(wanted);
      if (file !== undefined) return file;
      const target = this.#links.get(wanted);
      wanted =
        target === undefined
          ? undefined
          : clean(target.startsWith("/") ? target.slice(1) : `${wanted}/../${target}`);
    }
    return undefined;
  }

  names(): readonly string[] {
    return [...this.#files.keys()];
  }

  #read(fd: number, size: number): void {
    const parser: TarParser = new TarParser({
      entry: (entry) => this.#add(entry, parser.contentOffset),
      data: () => {},
      endEntry: () => {},
    });
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (let at = 0; at < size; ) {
      const got = readSync(fd, buffer, 0, Math.min(CHUNK, size - at), at);
      if (got === 0) throw archiveError("it ends too early");
      parser.push(buffer.subarray(0, got));
      at += got;
      at += parser.skipContent();
      if (at > size) throw archiveError("it ends too early");
    }
    parser.end();
  }

  #add(entry: TarEntry, offset: number): void {
    if (this.#files.size + this.#links.size >= MAX_ENTRIES) throw archiveError("it has too many entries");
    const name = clean(Buffer.from(entry.name, "latin1").toString("utf8"));
    if (name === undefined) throw archiveError("its name leads out of the archive", entry.name);
    if (entry.type === "symlink" || entry.type === "hardlink") {
      const target = Buffer.from(entry.linkName, "latin1").toString("utf8");
      this.#links.set(name, entry.type === "symlink" ? target : `/${target}`);
    } else if (entry.type === "file" && entry.sparse === undefined) {
      if (this.#files.has(name)) throw archiveError("it appears twice", entry.name);
      this.#files.set(name, { path: this.#path, offset, size: entry.size });
    }
  }
}

/** Without `.`, empty parts and `x/..`; undefined for what leads out. */
function clean(name: string): string | undefined {
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join("/");
}
