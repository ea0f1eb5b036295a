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

/** Parsed once for a record: whoever compares many images asks for each of them many times. */
const configs = new WeakMap<ImageRecord, ImageConfig>();

export function imageConfig(image: ImageRecord): ImageConfig {
  const known = configs.get(image);
  if (known !== undefined) return known;
  const config = parseImageConfig(Buffer.from(image.configJson), `config of image ${image.id.slice(0, 12)}`);
  configs.set(image, config);
  return config;
}

/** @throws {StorageError} `blob-missing`, `blob-damaged` */
export function imageManifest(ctx: Context, image: ImageRecord): { manifest: Manifest; bytes: Buffer } {
  const bytes = new BlobStore(ctx.paths).read(image.manifestDigest as Digest);
  return { bytes, manifest: parseManifest(bytes, `manifest of image ${image.id.slice(0, 12)}`) };
}
