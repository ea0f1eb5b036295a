/**
 * Indexes as they are edited: the JSON that came, with every field kept, and the rules for what an index is
 * called. An entry's source is a note of ours that never leaves the store.
 */
import { StorageError } from "../base/index.ts";
import { type Digest, isDockerType, MAX_MANIFEST, MEDIA, parseIndex, parseStrictJson } from "../oci/index.ts";

export interface EntryPlatform {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly "os.version"?: string;
  readonly "os.features"?: readonly string[];
  readonly features?: readonly string[];
}

export interface IndexEntry {
  readonly mediaType: string;
  readonly size: number;
  readonly digest: Digest;
  readonly platform?: EntryPlatform;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
  readonly [other: string]: unknown;
}

export interface IndexDocument {
  readonly entries: readonly IndexEntry[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly subject?: object;
}

/** The registry an entry's image was found in, if it is not in the store. */
const SOURCE = "dev.kelp.source";

/** @throws {StorageError} for what is no index */
export function readIndexDocument(bytes: Uint8Array, what: string): IndexDocument {
  parseIndex(bytes, what);
  const document = parseStrictJson(bytes, what, MAX_MANIFEST) as {
    manifests: IndexEntry[];
    annotations?: Record<string, string> | null;
    subject?: object | null;
  };
  return {
    entries: document.manifests,
    ...(document.annotations == null ? {} : { annotations: document.annotations }),
    ...(document.subject == null ? {} : { subject: document.subject }),
  };
}

/** Docker's list if nothing in it needs OCI's index, as podman decides. */
export function indexType(document: IndexDocument): string {
  const needsOci =
    document.subject !== undefined ||
    Object.keys(document.annotations ?? {}).length > 0 ||
    document.entries.some(
      (entry) =>
        !isDockerType(entry.mediaType) ||
        entry.artifactType !== undefined ||
        Object.keys(withoutSource(entry).annotations ?? {}).length > 0,
    );
  return needsOci ? MEDIA.ociIndex : MEDIA.dockerIndex;
}

/** @param type another family than the entries ask for */
export function encodeIndex(document: IndexDocument, type = indexType(document)): Buffer {
  const { entries, annotations, subject } = document;
  const value = {
    schemaVersion: 2,
    mediaType: type,
    manifests: entries,
    ...(subject === undefined ? {} : { subject }),
    ...(annotations === undefined || Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
  const bytes = Buffer.from(JSON.stringify(value));
  if (bytes.length <= MAX_MANIFEST) return bytes;
  throw new StorageError(
    "document-too-large",
    `cannot write index: ${bytes.length} bytes, the limit is ${MAX_MANIFEST}`,
  );
}

export function sourceOf(entry: IndexEntry): string | undefined {
  return entry.annotations?.[SOURCE];
}

export function withSource(entry: IndexEntry, source: string): IndexEntry {
  return { ...entry, annotations: { ...entry.annotations, [SOURCE]: source } };
}

/** The entry as the world sees it. */
export function withoutSource(entry: IndexEntry): IndexEntry {
  if (sourceOf(entry) === undefined) return entry;
  const { annotations, ...rest } = entry;
  const { [SOURCE]: _, ...kept } = annotations ?? {};
  return (Object.keys(kept).length === 0 ? rest : { ...rest, annotations: kept }) as IndexEntry;
}

/** The whole document as the world sees it. */
export function publicIndex(document: IndexDocument): IndexDocument {
  return { ...document, entries: document.entries.map(withoutSource) };
}
