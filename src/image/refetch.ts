/** An image of the store, fetched once more from where it came: only what is missing of it is asked for. */
import { KelpError, RegistryError } from "../base/index.ts";
import {
  type Digest,
  dockerReference,
  type FullReference,
  formatReference,
  parseReference,
} from "../oci/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";
import { BlobStore } from "../storage/index.ts";
import { Puller, type PullOptions } from "./pull.ts";

/**
 * Makes an image whole by the registries it was pulled from, or whose names it has. By digest, so that nothing else
 * can come; what is there is not fetched again, therefore what is damaged must have been taken away before.
 *
 * @returns false if no registry has it (any more); each one's reason goes to the progress
 */
export function pullAgain(ctx: Context, image: ImageRecord, options: PullOptions): Promise<boolean> {
  return fromSources(ctx, image, options, (puller, reference) => puller.pull(reference));
}

/** The same for nothing but the manifest. */
export function fetchManifest(ctx: Context, image: ImageRecord, options: PullOptions): Promise<boolean> {
  return fromSources(ctx, image, options, async (puller, reference) => {
    const { top } = await puller.findManifest(reference);
    const blobs = new BlobStore(ctx.paths);
    blobs.put(top.bytes);
    blobs.sync();
  });
}

async function fromSources(
  ctx: Context,
  image: ImageRecord,
  options: PullOptions,
  fetch: (puller: Puller, reference: FullReference) => Promise<unknown>,
): Promise<boolean> {
  const places = sources(image);
  if (places.length === 0) return false;
  const puller = await Puller.open(ctx, options);
  for (const reference of places) {
    try {
      await fetch(puller, reference);
      return true;
    } catch (error) {
      if (!(error instanceof KelpError) || options.signal?.aborted) throw error;
      options.progress.warn(
        error instanceof RegistryError ? error.message : `${formatReference(reference)}: ${error.message}`,
      );
    }
  }
  return false;
}

/** Where it really came from first, then where its names say that it may be. */
function sources(image: ImageRecord): FullReference[] {
  const digest = image.manifestDigest as Digest;
  const pulled = image.repoDigests.map((name) => name.slice(0, name.lastIndexOf("@")));
  const found = new Map<string, FullReference>();
  for (const name of [...pulled, ...image.names]) {
    const { tag: _, ...repo } = dockerReference(parseReference(name));
    if (repo.domain !== "localhost") found.set(`${repo.domain}/${repo.path}`, { ...repo, digest });
  }
  return [...found.values()];
}
