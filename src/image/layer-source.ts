/** From a layer's file in an archive to what storage unpacks. */
import { statSync } from "node:fs";
import { StorageError } from "../base/index.ts";
import type { Descriptor, Digest, LayerCompression } from "../oci/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";
import {
  closeRange,
  type FileRange,
  type LayerSource,
  openRange,
  readRange,
  requireLayer,
  type StoredLayer,
  sniffCompression,
} from "../storage/index.ts";
import { imageManifest } from "./documents.ts";

/** @param promised the manifest's word about it, if there is a manifest */
export function layerSource(range: FileRange, name: string, promised?: Descriptor): LayerSource {
  if (promised !== undefined && promised.size !== range.size) {
    throw new StorageError(
      "digest-mismatch",
      `cannot use ${name}: it has ${range.size} bytes, the image promises ${promised.size}`,
    );
  }
  const compression = sniffRange(range);
  if (compression === "bzip2" || compression === "xz") {
    throw new StorageError(
      "layer-compression",
      `cannot use ${name}: layers compressed with ${compression} are not known to the image formats`,
    );
  }
  return { file: range, compression, name, ...(promised === undefined ? {} : { blob: promised.digest }) };
}

/** A whole file. */
export function layerFile(path: string, name: string): LayerSource {
  return layerSource({ path, offset: 0, size: statSync(path).size }, name);
}

function sniffRange(range: FileRange): ReturnType<typeof sniffCompression> {
  const open = openRange({ ...range, size: Math.min(range.size, 6) });
  try {
    return sniffCompression(Buffer.concat([...readRange(open, true)]));
  } finally {
    closeRange(open);
  }
}

/** The layers of an image in the store as they are kept, lowest first. */
export function imageLayers(ctx: Context, image: ImageRecord): StoredLayer[] {
  const { manifest } = imageManifest(ctx, image);
  return image.layers.map((row, index) => {
    const { digest, size, mediaType } = manifest.layers[index] as Descriptor;
    const record = requireLayer(ctx, row);
    return {
      record,
      diffId: record.diffId as Digest,
      blob: digest,
      blobSize: size,
      compression: compressionOf(mediaType),
      ownersDropped: false,
    };
  });
}

function compressionOf(mediaType: string): LayerCompression {
  return /zstd$/.test(mediaType) ? "zstd" : /gzip$/.test(mediaType) ? "gzip" : "none";
}
