/**
 * A directory held open, and its entries one component at a time: whoever may swap a name for a link
 * meanwhile (a running container) cannot lead the reader anywhere else, because no link is ever followed and
 * no path has more than one component that could be one.
 */
import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, type Stats } from "node:fs";

const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const ASCII = /^[\x20-\x7e]*$/;

/** Names are byte strings (latin1), as the kernel has them. */
export class Directory {
  readonly fd: number;
  readonly #base: string;

  private constructor(fd: number) {
    this.fd = fd;
    this.#base = `/proc/self/fd/${fd}/`;
  }

  /** A root: the only place where a whole path is used, and only one of kelp's own or of the user's. */
  static open(path: string): Directory {
    return new Directory(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
  }

  /** Takes over a descriptor that somebody else opened. */
  static adopt(fd: number): Directory {
    return new Directory(fd);
  }

  /** @throws {Error} ELOOP or ENOTDIR if it is a link or no directory (any more) */
  child(name: string): Directory {
    return new Directory(openSync(this.path(name), FLAGS));
  }

  /** What a call that does not follow links may be given. */
  path(name: string): string | Buffer {
    return ASCII.test(name) ? this.#base + name : Buffer.from(this.#base + name, "latin1");
  }

  /** The directory itself; the descriptor is followed, so it is always this one. */
  get self(): string {
    return `${this.#base}.`;
  }

  /** In the order of their bytes, so that equal trees give equal archives. */
  names(): string[] {
    return readdirSync(this.self, { encoding: "latin1" }).sort(compareBytes);
  }

  /** The same with what the directory itself says of them: a file may still turn out to be something else. */
  entries(): { readonly name: string; readonly isFile: boolean }[] {
    return readdirSync(this.self, { encoding: "latin1", withFileTypes: true })
      .map((entry) => ({ name: entry.name, isFile: entry.isFile() }))
      .sort((a, b) => compareBytes(a.name, b.name));
  }

  stat(name: string): Stats | undefined {
    return lstatSync(this.path(name), { throwIfNoEntry: false });
  }

  readlink(name: string): string {
    return readlinkSync(this.path(name), { encoding: "buffer" }).toString("latin1");
  }

  /** A regular file for reading; a FIFO or device in its place does not block. */
  openFile(name: string): number {
    return openSync(this.path(name), READ);
  }

  close(): void {
    closeSync(this.fd);
  }
}

function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
