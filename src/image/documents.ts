/** An image's documents, read back from the store. */
import {
  type Digest,
  type ImageConfig,
  type Manifest,
  parseImageConfig,
  parseManifest,
} from "../oci/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";
import { BlobStore } from "../storage/index.ts";

export function imageConfig(image: ImageRecord): ImageConfig {
  return parseImageConfig(Buffer.from(image.configJson), `config of image ${image.id.slice(0, 12)}`);
}

/** @throws {StorageError} `blob-missing`, `blob-damaged` */
export function imageManifest(ctx: Context, image: ImageRecord): { manifest: Manifest; bytes: Buffer } {
  const bytes = new BlobStore(ctx.paths).read(image.manifestDigest as Digest);
  return { bytes, manifest: parseManifest(bytes, `manifest of image ${image.id.slice(0, 12)}`) };
}
