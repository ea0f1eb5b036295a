/**
 * The documents of an image (OCI image specification 1.1, Docker image manifest v2 schema 2)
 * as types, and the only readers of them. A document that passes here has every field of the
 * shape its type says; a null counts as absent, as in Go.
 */
import { type Digest, parseDigest } from "./digest.ts";
import { invalidDocument, parseStrictJson } from "./json.ts";
import { isIndexType, isManifestType } from "./media-type.ts";

export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
}

export interface Manifest {
  readonly mediaType: string;
  readonly config: Descriptor;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Index {
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The defaults an image gives to its containers. */
export interface ImageRunConfig {
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, unknown>>;
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Volumes?: Readonly<Record<string, unknown>>;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
  readonly Shell?: readonly string[];
  readonly OnBuild?: readonly string[];
  /** Docker's; nanoseconds. */
  readonly Healthcheck?: Readonly<Record<string, unknown>>;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

export interface ImageConfig {
  readonly created?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly docker_version?: string;
  readonly config: ImageRunConfig;
  readonly diffIds: readonly Digest[];
  readonly history: readonly HistoryEntry[];
}

export const MAX_MANIFEST = 4 << 20;
export const MAX_CONFIG = 8 << 20;
/** The kernel stacks at most 500 lower directories. */
export const MAX_LAYERS = 500;

/** @throws {StorageError} naming the field, never with a stack. */
export function parseManifest(bytes: Uint8Array, what = "manifest"): Manifest {
  const doc = documentObject(bytes, what, MAX_MANIFEST);
  if (doc.manifests != null) throw invalidDocument(what, "it has both an image's and an index's fields");
  if (doc.schemaVersion !== 2) throw invalidDocument(what, "schemaVersion is not 2");
  const mediaType =
    doc.mediaType == null
      ? "application/vnd.oci.image.manifest.v1+json"
      : text(doc.mediaType, "mediaType", what);
  if (!isManifestType(mediaType))
    throw invalidDocument(what, `${JSON.stringify(mediaType.slice(0, 120))} is not an image manifest`);
  const layers = list(doc.layers, "layers", what);
  if (layers.length > MAX_LAYERS)
    throw invalidDocument(what, `it has ${layers.length} layers, the limit is ${MAX_LAYERS}`);
  return {
    mediaType,
    config: descriptor(doc.config, "config", what),
    layers: layers.map((layer, index) => descriptor(layer, `layer ${index}`, what)),
    ...annotations(doc, what),
  };
}

/** @throws {StorageError} */
export function parseIndex(bytes: Uint8Array, what = "index"): Index {
  const doc = documentObject(bytes, what, MAX_MANIFEST);
  if (doc.layers != null || doc.config != null)
    throw invalidDocument(what, "it has both an image's and an index's fields");
  if (doc.schemaVersion !== 2) throw invalidDocument(what, "schemaVersion is not 2");
  const mediaType =
    doc.mediaType == null
      ? "application/vnd.oci.image.index.v1+json"
      : text(doc.mediaType, "mediaType", what);
  if (!isIndexType(mediaType))
    throw invalidDocument(what, `${JSON.stringify(mediaType.slice(0, 120))} is not an image index`);
  const manifests = list(doc.manifests, "manifests", what);
  return {
    mediaType,
    manifests: manifests.map((item, i) => descriptor(item, `manifest ${i}`, what)),
    ...annotations(doc, what),
  };
}

/** @throws {StorageError} */
export function parseImageConfig(bytes: Uint8Array, what = "image config"): ImageConfig {
  const doc = documentObject(bytes, what, MAX_CONFIG);
  const rootfs = object(doc.rootfs, "rootfs", what);
  if (rootfs.type !== "layers") throw invalidDocument(what, "rootfs.type is not layers");
  const diffIds = list(rootfs.diff_ids, "rootfs.diff_ids", what);
  if (diffIds.length > MAX_LAYERS)
    throw invalidDocument(what, `it has ${diffIds.length} layers, the limit is ${MAX_LAYERS}`);
  return {
    architecture: optionalText(doc, "architecture", what) ?? "",
    os: optionalText(doc, "os", what) ?? "linux",
    ...textFields(doc, ["created", "author", "comment", "variant", "docker_version"], what),
    config: runConfig(doc.config, what),
    diffIds: diffIds.map((item, index) => parseDigest(item, `diff_id ${index} of the ${what}`)),
    history: list(doc.history ?? [], "history", what).map((item, index) => historyEntry(item, index, what)),
  };
}

function runConfig(value: unknown, what: string): ImageRunConfig {
  if (value == null) return {};
  const doc = object(value, "config", what);
  const found: Record<string, unknown> = textFields(doc, ["User", "WorkingDir", "StopSignal"], what);
  for (const key of ["Env", "Entrypoint", "Cmd", "Shell", "OnBuild"]) {
    if (doc[key] != null)
      found[key] = list(doc[key], `config.${key}`, what).map((item) => text(item, `config.${key}`, what));
  }
  for (const key of ["ExposedPorts", "Volumes", "Healthcheck"]) {
    if (doc[key] != null) found[key] = object(doc[key], `config.${key}`, what);
  }
  if (doc.Labels != null) found.Labels = textMap(doc.Labels, "config.Labels", what);
  return found as ImageRunConfig;
}

function historyEntry(value: unknown, index: number, what: string): HistoryEntry {
  const doc = object(value, `history ${index}`, what);
  const empty = doc.empty_layer;
  if (empty != null && typeof empty !== "boolean")
    throw invalidDocument(what, `history ${index}.empty_layer is not a boolean`);
  return {
    ...textFields(doc, ["created", "created_by", "author", "comment"], what),
    ...(empty ? { empty_layer: true } : {}),
  };
}

function descriptor(value: unknown, field: string, what: string): Descriptor {
  const doc = object(value, field, what);
  if (!Number.isSafeInteger(doc.size) || (doc.size as number) < 0)
    throw invalidDocument(what, `${field}.size is not a size`);
  return {
    mediaType: text(doc.mediaType ?? "", `${field}.mediaType`, what),
    digest: parseDigest(doc.digest, `${field} of the ${what}`),
    size: doc.size as number,
    ...annotations(doc, what),
    ...platform(doc.platform, field, what),
  };
}

function platform(value: unknown, field: string, what: string): { platform?: Platform } {
  if (value == null) return {};
  const doc = object(value, `${field}.platform`, what);
  const variant = optionalText(doc, "variant", what);
  return {
    platform: {
      architecture: optionalText(doc, "architecture", what) ?? "",
      os: optionalText(doc, "os", what) ?? "",
      ...(variant === undefined ? {} : { variant }),
    },
  };
}

function annotations(doc: Fields, what: string): { annotations?: Readonly<Record<string, string>> } {
  return doc.annotations == null ? {} : { annotations: textMap(doc.annotations, "annotations", what) };
}

type Fields = Readonly<Record<string, unknown>>;

function documentObject(bytes: Uint8Array, what: string, limit: number): Fields {
  return object(parseStrictJson(bytes, what, limit), "the document", what);
}

function object(value: unknown, field: string, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalidDocument(what, `${field} is not an object`);
  return value as Fields;
}

function list(value: unknown, field: string, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalidDocument(what, `${field} is not a list`);
  return value;
}

function text(value: unknown, field: string, what: string): string {
  if (typeof value !== "string") throw invalidDocument(what, `${field} is not a string`);
  return value;
}

function optionalText(doc: Fields, key: string, what: string): string | undefined {
  return doc[key] == null ? undefined : text(doc[key], key, what);
}

function textFields<K extends string>(doc: Fields, keys: readonly K[], what: string): { [P in K]?: string } {
  const found: { [P in K]?: string } = {};
  for (const key of keys) if (doc[key] != null) found[key] = text(doc[key], key, what);
  return found;
}

function textMap(value: unknown, field: string, what: string): Readonly<Record<string, string>> {
  const entries = Object.entries(object(value, field, what));
  return Object.fromEntries(entries.map(([key, item]) => [key, text(item ?? "", `${field}.${key}`, what)]));
}
