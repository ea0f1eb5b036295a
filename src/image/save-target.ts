/** Where `save` puts files: an archive, or a directory that may hold images already. */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Descriptor, parseIndex } from "../oci/index.ts";
import { closeRange, openRange, readRange, type TarWriter } from "../storage/index.ts";
import type { LayerFile } from "./save-layers.ts";

/** Where the files of a layout go. */
export interface Target {
  directory(name: string): void;
  bytes(name: string, data: Uint8Array): void;
  file(name: string, file: LayerFile): void;
  /** Images that are in the layout already, and stay. */
  readonly index: readonly LayoutEntry[];
}

export type LayoutEntry = Pick<Descriptor, "digest" | "annotations">;

export function tarTarget(tar: TarWriter): Target {
  const written = new Set<string>();
  return {
    directory: (name) => tar.directory(name),
    bytes: (name, data) => tar.file(name, data.length, [data]),
    file: (name, file) => writeOnce(tar, written, name, file),
    index: [],
  };
}

export function directoryTarget(root: string): Target {
  const index = join(root, "index.json");
  return {
    index: existsSync(index) ? parseIndex(readFileSync(index), index).manifests : [],
    directory: (name) => mkdirSync(join(root, name), { recursive: true }),
    bytes: (name, data) => writeFileSync(join(root, name), data),
    file(name, file) {
      const fd = openSync(join(root, name), "w", 0o666);
      const range = openRange({ path: file.path, offset: 0, size: file.size });
      try {
        for (const piece of readRange(range))
          for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
      } finally {
        closeRange(range);
        closeSync(fd);
      }
    },
  };
}

export function writeOnce(tar: TarWriter, written: Set<string>, name: string, file: LayerFile): void {
  if (written.has(name)) return;
  written.add(name);
  const range = openRange({ path: file.path, offset: 0, size: file.size });
  try {
    tar.file(name, file.size, readRange(range));
  } finally {
    closeRange(range);
  }
}
