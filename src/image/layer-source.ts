/** From a layer's file in an archive to what storage unpacks. */
import { StorageError } from "../base/index.ts";
import type { Descriptor } from "../oci/index.ts";
import {
  closeRange,
  type FileRange,
  type LayerSource,
  openRange,
  readRange,
  sniffCompression,
} from "../storage/index.ts";

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

function sniffRange(range: FileRange): ReturnType<typeof sniffCompression> {
  const open = openRange({ ...range, size: Math.min(range.size, 6) });
  try {
    return sniffCompression(Buffer.concat([...readRange(open, true)]));
  } finally {
    closeRange(open);
  }
}
