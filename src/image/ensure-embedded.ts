/** The image that comes with kelp, loaded when it is first asked for. */

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { ensureDir } from "../host/index.ts";
import { formatReference, localCandidates, tryParseReference } from "../oci/index.ts";
import type { Context } from "../state/index.ts";
import { BlobStore } from "../storage/index.ts";
import { embeddedHello, HELLO_REFERENCE } from "./embedded.ts";
import { loadArchive } from "./load.ts";
import type { StoredImage } from "./store-image.ts";

export function isEmbeddedName(name: string): boolean {
  const reference = tryParseReference(name);
  if (reference === undefined || reference.digest !== undefined) return false;
  return localCandidates(reference).some((candidate) => formatReference(candidate) === HELLO_REFERENCE);
}

/** Its archive lies inside the executable, where only this process can read it: jobs get a copy. */
export async function loadEmbedded(ctx: Context): Promise<StoredImage[]> {
  ensureDir(ctx.paths.data);
  const copy = new BlobStore(ctx.paths).temporary("embedded");
  try {
    writeFileSync(copy, readFileSync(embeddedHello()), { mode: 0o600 });
    return await loadArchive(ctx, { from: copy });
  } finally {
    rmSync(copy, { force: true });
  }
}
