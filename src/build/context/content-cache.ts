/**
 * Digests of a context's files from the last build, by what changes when a file does: device, inode, size, and the times
 * of content and inode. A file that was touched less than two seconds before is not believed: it may change again
 * within the resolution of its times.
 */
import { readFileSync, type Stats } from "node:fs";
import { join } from "node:path";
import { sha256Hex } from "../../base/index.ts";
import { ensureDir, type Paths, writeFileAtomic } from "../../host/index.ts";
import type { ContentCache } from "./select.ts";

export interface SavedContents extends ContentCache {
  /** Writes down what this build has learnt. */
  save(): void;
}

const RACY_MS = 2000;

export function openContentCache(paths: Paths, directory: string, now = Date.now()): SavedContents {
  const path = join(paths.cache, "build-contents", sha256Hex(directory));
  const known = read(path);
  const used = new Map<string, string>();
  let learnt = false;
  return {
    get(looks) {
      const key = keyOf(looks);
      const digest = known.get(key);
      if (digest !== undefined) used.set(key, digest);
      return digest;
    },
    set(looks, digest) {
      if (now - Math.max(looks.mtimeMs, looks.ctimeMs) < RACY_MS) return;
      used.set(keyOf(looks), digest);
      learnt = true;
    },
    save() {
      if (!learnt) return;
      ensureDir(join(paths.cache, "build-contents"));
      writeFileAtomic(path, [...used].map(([key, digest]) => `${key} ${digest}\n`).join(""), { sync: false });
    },
  };
}

function keyOf(looks: Stats): string {
  return `${looks.dev}:${looks.ino}:${looks.size}:${looks.mtimeMs}:${looks.ctimeMs}`;
}

/** What cannot be read is not known. */
function read(path: string): Map<string, string> {
  try {
    const lines = readFileSync(path, "latin1").split("\n");
    return new Map(
      lines.flatMap((line) => {
        const [key, digest] = line.split(" ");
        return key !== undefined && /^[0-9a-f]{64}$/.test(digest ?? "")
          ? [[key, digest as string] as const]
          : [];
      }),
    );
  } catch {
    return new Map();
  }
}
