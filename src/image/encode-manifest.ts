/** Manifests written anew, when an image leaves in another form than it came in. */
import { type Descriptor, type LayerCompression, layerType, type Manifest, MEDIA } from "../oci/index.ts";
import { closeRange, openRange, readRange, sniffCompression } from "../storage/index.ts";
import type { LayerFile } from "./save-layers.ts";

/** The manifest in the words of the other family; config and layers stay what they are. */
export function encodeManifest(manifest: Manifest, layers: readonly LayerFile[], docker: boolean): Buffer {
  const descriptors: Descriptor[] = layers.map((layer) => ({
    mediaType: layerType(compressionOf(layer), docker),
    digest: layer.digest,
    size: layer.size,
  }));
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: docker ? MEDIA.dockerManifest : MEDIA.ociManifest,
      config: {
        mediaType: docker ? MEDIA.dockerConfig : MEDIA.ociConfig,
        digest: manifest.config.digest,
        size: manifest.config.size,
      },
      layers: descriptors,
      ...(docker || manifest.annotations === undefined ? {} : { annotations: manifest.annotations }),
    }),
  );
}

/** What a layer's first bytes say. */
export function compressionOf(layer: Pick<LayerFile, "path" | "size">): LayerCompression {
  const range = openRange({ path: layer.path, offset: 0, size: Math.min(6, layer.size) });
  try {
    const found = sniffCompression(Buffer.concat([...readRange(range, true)]));
    return found === "gzip" || found === "zstd" ? found : "none";
  } finally {
    closeRange(range);
  }
}
