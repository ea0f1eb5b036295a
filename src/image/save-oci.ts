/** An OCI layout of one image. */
import { type Digest, isDockerType, MEDIA, sha256 } from "../oci/index.ts";
import type { Context } from "../state/index.ts";
import { BlobStore } from "../storage/index.ts";
import { blobName } from "./archive-files.ts";
import { imageManifest } from "./documents.ts";
import { encodeManifest } from "./encode-manifest.ts";
import type { SavedImage, SaveOptions } from "./save.ts";
import { dropTemporary, layersAsStored, layersPlain } from "./save-layers.ts";
import type { LayoutEntry, Target } from "./save-target.ts";

const REF_NAME = "org.opencontainers.image.ref.name";

/** An image that came with an OCI manifest keeps it, and with it its digest. */
export async function writeOci(
  ctx: Context,
  { record, names }: SavedImage,
  target: Target,
  { uncompressed: plain = false, refName }: SaveOptions,
): Promise<Digest> {
  const { manifest, bytes } = imageManifest(ctx, record);
  const layers = await (plain ? layersPlain : layersAsStored)(ctx, record, manifest);
  try {
    const saved = isDockerType(manifest.mediaType) || plain ? encodeManifest(manifest, layers, false) : bytes;
    target.directory("blobs");
    target.directory("blobs/sha256");
    for (const layer of layers) target.file(blobName(layer.digest), layer);
    target.bytes(blobName(manifest.config.digest), new BlobStore(ctx.paths).read(manifest.config.digest));
    const digest = sha256(saved);
    target.bytes(blobName(digest), saved);
    const entry = { mediaType: MEDIA.ociManifest, digest, size: saved.length };
    const named = (refName === undefined ? names : [refName]).map((name) => ({
      ...entry,
      annotations: { [REF_NAME]: name },
    }));
    const index = {
      schemaVersion: 2,
      mediaType: MEDIA.ociIndex,
      manifests: withOthers(target.index, named.length > 0 ? named : [entry]),
    };
    target.bytes("index.json", Buffer.from(JSON.stringify(index)));
    target.bytes("oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
    return digest;
  } finally {
    dropTemporary(layers);
  }
}

/** A name belongs to the image that got it last; one without a name is there once. */
function withOthers(before: readonly LayoutEntry[], added: readonly LayoutEntry[]): readonly LayoutEntry[] {
  const replaced = (entry: LayoutEntry) =>
    added.some((one) =>
      entry.annotations?.[REF_NAME] === undefined
        ? one.digest === entry.digest
        : one.annotations?.[REF_NAME] === entry.annotations[REF_NAME],
    );
  return [...before.filter((entry) => !replaced(entry)), ...added];
}
