/** The job `measure-trees`: how much of the disk directory trees take. */
import { fstatSync, type Stats } from "node:fs";
import { errnoCode } from "../base/index.ts";
import { Directory } from "./tree/directory.ts";

export interface TreeSize {
  /** Allocated bytes of everything beneath the directory, as `du` counts them; the directory itself is not counted. */
  readonly disk: number;
  /** Bytes of the files' content. */
  readonly content: number;
}

/** Missing directories are empty. A file with several names counts once for each directory that was asked about. */
export async function measureTrees(input: { readonly paths: readonly string[] }): Promise<TreeSize[]> {
  return input.paths.map((path) => {
    const measure = new Measure();
    const root = open(() => Directory.open(path));
    if (root === undefined) return { disk: 0, content: 0 };
    measure.beneath(root);
    root.close();
    return { disk: measure.disk, content: measure.content };
  });
}

const BLOCK = 512;

class Measure {
  disk = 0;
  content = 0;
  readonly #linked = new Set<number>();

  beneath(dir: Directory): void {
    for (const name of dir.names()) {
      const looks = dir.stat(name);
      if (looks === undefined) continue;
      this.#count(looks);
      if (!looks.isDirectory()) continue;
      const child = open(() => dir.child(name));
      if (child === undefined) continue;
      if (fstatSync(child.fd).dev === looks.dev) this.beneath(child);
      child.close();
    }
  }

  #count(looks: Stats): void {
    if (looks.nlink > 1 && !looks.isDirectory()) {
      if (this.#linked.has(looks.ino)) return;
      this.#linked.add(looks.ino);
    }
    this.disk += looks.blocks * BLOCK;
    if (looks.isFile()) this.content += looks.size;
  }
}

/** Whoever lives in the tree may remove or replace what was listed a moment ago. */
function open(action: () => Directory): Directory | undefined {
  try {
    return action();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoCode(error) ?? "")) return undefined;
    throw error;
  }
}
