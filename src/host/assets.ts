/** Files carried inside the executable that the kernel or the loader must open by name: written out once. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type AssetName, assetPath, BUILD, KelpError, StorageError } from "../base/index.ts";
import { ensureDir, writeFileAtomic } from "./fs.ts";

/**
 * Path of the asset beneath `cache`, unpacked if it is not there yet. The content is verified when it is
 * written; it appears whole and synced under the name of its hash in a directory of the user's own, so
 * that afterwards its being there is enough. Never a temporary directory: whoever can guess a name there
 * could put code of his own in its place.
 */
export function unpackedAsset(cache: string, name: AssetName): string {
  const hash = BUILD.assets[name];
  const path = join(cache, `${name}-${hash}`);
  if (!isThere(path)) unpack(cache, name, path);
  return path;
}

function isThere(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && (found.mode & 0o100) !== 0 && found.size > 0;
}

function unpack(cache: string, name: AssetName, path: string): void {
  const bytes = readFileSync(assetPath(name));
  if (createHash("sha256").update(bytes).digest("hex") !== BUILD.assets[name]) {
    throw new StorageError("executable-damaged", `cannot unpack ${name}: the kelp executable is damaged`, {
      hint: "install kelp again",
    });
  }
  write(cache, path, bytes);
  removeOlder(cache, name, path);
}

function write(cache: string, path: string, bytes: Uint8Array): void {
  try {
    ensureDir(cache);
    writeFileAtomic(path, bytes, { mode: 0o700, sync: true });
  } catch (cause) {
    if (!(cause instanceof KelpError)) throw cause;
    throw new StorageError(cause.code, cause.message, {
      hint: "free some space, or set XDG_CACHE_HOME to a directory that you can write to",
      cause,
    });
  }
}

/** Those of earlier versions go after a day: until then a command that started before may want one. */
function removeOlder(cache: string, name: AssetName, current: string): void {
  for (const entry of readdirSync(cache)) {
    const path = join(cache, entry);
    if (!entry.startsWith(`${name}-`) || path === current) continue;
    const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (Date.now() - written > 24 * 3600 * 1000) rmSync(path, { force: true });
  }
}
