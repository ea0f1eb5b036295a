/** Where holdfast is: unpacked from the executable once, or in a source checkout where make left it. */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { assetPath, BUILD, HostError, IS_COMPILED, StorageError } from "../base/index.ts";
import { ensureDir, type Paths, writeFileAtomic } from "../host/index.ts";

/**
 * Path of a holdfast that is the one this kelp was built with. Its content is verified when it is unpacked;
 * it appears whole and synced under the name of its hash, so that afterwards its being there is enough.
 *
 * @throws {HostError} with code `holdfast-missing` in a checkout that was not built
 */
export function holdfastPath(paths: Paths): string {
  if (!IS_COMPILED) return sourceHoldfast();
  const path = join(paths.cache, `holdfast-${BUILD.holdfastSha256}`);
  if (!isThere(path)) unpack(paths, path);
  return path;
}

function sourceHoldfast(): string {
  const path = join(import.meta.dirname, "..", "..", "native", "build", "holdfast");
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
  throw new HostError("holdfast-missing", `cannot find holdfast at ${path}: it has not been built`, {
    hint: "run `npm run build`",
  });
}

function isThere(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && (found.mode & 0o100) !== 0 && found.size > 0;
}

function unpack(paths: Paths, path: string): void {
  const bytes = readFileSync(assetPath("holdfast"));
  if (sha256(bytes) !== BUILD.holdfastSha256) {
    throw new StorageError("executable-damaged", "cannot unpack holdfast: the kelp executable is damaged", {
      hint: "install kelp again",
    });
  }
  ensureDir(paths.cache);
  writeFileAtomic(path, bytes, { mode: 0o700, sync: true });
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
