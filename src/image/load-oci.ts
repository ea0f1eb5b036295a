/** OCI image layouts (directory or archive) and the `dir:` layout of skopeo, which names blobs by their digits alone. */
import { StorageError, UsageError } from "../base/index.ts";
import {
  type Descriptor,
  type Digest,
  digestHex,
  formatReference,
  isIndexType,
  isManifestType,
  localReference,
  MAX_CONFIG,
  MAX_MANIFEST,
  parseIndex,
  parseManifest,
  parseReference,
  sha256,
} from "../oci/index.ts";
import { type ArchiveFiles, blobName, missing, readDocument, readFile } from "./archive-files.ts";
import { layerSource } from "./layer-source.ts";
import { chooseManifest } from "./platform.ts";
import type { NewImage } from "./store-image.ts";

const REF_NAME = "org.opencontainers.image.ref.name";
const IMAGE_NAME = "io.containerd.image.name";
const MAX_NESTING = 4;

/** @throws {StorageError} */
export function readOciLayout(files: ArchiveFiles): NewImage[] {
  const index = parseIndex(readFile(files, "index.json", MAX_MANIFEST), "index.json");
  const images = new Map<Digest, NewImage>();
  for (const descriptor of index.manifests) {
    const names = descriptorNames(descriptor);
    for (const image of readDescriptor(files, descriptor, [], 0)) {
      const digest = sha256(image.manifest as Uint8Array);
      const before = images.get(digest);
      images.set(digest, { ...image, names: [...new Set([...(before?.names ?? []), ...names])] });
    }
  }
  if (images.size === 0)
    throw new StorageError("document-invalid", "cannot read index.json: it names no image for this machine");
  return [...images.values()];
}

/** The image of a descriptor, or of the index it names the one for this machine. */
function readDescriptor(
  files: ArchiveFiles,
  descriptor: Descriptor,
  via: readonly Digest[],
  depth: number,
): NewImage[] {
  const range = files.find(blobName(descriptor.digest));
  if (isManifestType(descriptor.mediaType)) {
    const bytes = readDocument(range, descriptor, "manifest", MAX_MANIFEST);
    return [{ ...readManifest(files, bytes, blobName), digests: via }];
  }
  if (!isIndexType(descriptor.mediaType)) return [];
  if (depth >= MAX_NESTING)
    throw new StorageError("document-invalid", "cannot read index.json: indexes are nested too deep");
  const bytes = readDocument(range, descriptor, "index", MAX_MANIFEST);
  const chosen = chooseManifest(parseIndex(bytes));
  return chosen === undefined ? [] : readDescriptor(files, chosen, [...via, descriptor.digest], depth + 1);
}

function descriptorNames({ annotations }: Descriptor): string[] {
  const name = annotations?.[IMAGE_NAME] ?? annotations?.[REF_NAME];
  if (name === undefined || name === "") return [];
  try {
    return [formatReference(localReference(parseReference(name)))];
  } catch (error) {
    // The annotation may be any text; one that is no name just gives none.
    if (error instanceof UsageError) return [];
    throw error;
  }
}

function readManifest(files: ArchiveFiles, bytes: Buffer, place: (digest: Digest) => string): NewImage {
  const manifest = parseManifest(bytes);
  const config = readDocument(
    files.find(place(manifest.config.digest)),
    manifest.config,
    "image config",
    MAX_CONFIG,
  );
  const layers = manifest.layers.map((layer, position) => {
    const range = files.find(place(layer.digest));
    if (range === undefined) throw missing(place(layer.digest));
    return layerSource(range, `layer ${position}`, layer);
  });
  return { config, manifest: bytes, layers, names: [] };
}

/** A `dir:` directory: one manifest, blobs beside it. It knows no names. */
export function readBlobDirectory(files: ArchiveFiles): NewImage[] {
  return [readManifest(files, readFile(files, "manifest.json", MAX_MANIFEST), digestHex)];
}
