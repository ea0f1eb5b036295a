/**
 * oci: what the OCI and Docker specifications define, as pure values and parsers: digests,
 * references, media types, image documents, whiteout names, the runtime specification.
 *
 * Must not know: files, the network, our store.
 */
export {
  chainIds,
  type Digest,
  Digester,
  digestHex,
  isDigest,
  parseDigest,
  sha256,
} from "./digest.ts";
export {
  type Descriptor,
  type HistoryEntry,
  type ImageConfig,
  type ImageRunConfig,
  type Index,
  MAX_CONFIG,
  MAX_LAYERS,
  MAX_MANIFEST,
  type Manifest,
  type Platform,
  parseImageConfig,
  parseIndex,
  parseManifest,
} from "./image-spec.ts";
export { invalidDocument, parseStrictJson } from "./json.ts";
export {
  isDockerType,
  isIndexType,
  isLayerType,
  isManifestType,
  type LayerCompression,
  layerType,
  MEDIA,
} from "./media-type.ts";
export {
  DEFAULT_REGISTRY,
  DEFAULT_TAG,
  dockerReference,
  type FullReference,
  formatReference,
  LOCAL_DOMAIN,
  localCandidates,
  localName,
  localReference,
  parseReference,
  type Reference,
  repository,
  tryParseReference,
  withDefaultTag,
} from "./reference.ts";
export type * from "./runtime-spec.ts";
export { type EntryMeaning, entryMeaning, OPAQUE_MARKER, whiteoutName } from "./whiteout.ts";
