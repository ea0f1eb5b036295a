/** What an index says of its images: from the store, or from a registry, of which only the manifest is fetched. */
import {
  type Digest,
  dockerReference,
  formatReference,
  isIndexType,
  MAX_CONFIG,
  MEDIA,
  type Platform,
  parseImageConfig,
  parseIndex,
  parseManifest,
  parseReference,
} from "../oci/index.ts";
import type { AccessOptions } from "../registry/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";
import { BlobStore } from "../storage/index.ts";
import { imageConfig, imageManifest } from "./documents.ts";
import { type EntryPlatform, type IndexEntry, readIndexDocument, withSource } from "./index-document.ts";
import { normaliseArchitecture, requireManifest, wantedPlatform } from "./platform.ts";
import { SILENT } from "./progress.ts";
import { documentType, Puller } from "./pull.ts";
import { tryFindImage } from "./resolve.ts";
import { listOf } from "./stored-list.ts";

/** What may be said about an entry. */
export interface EntryFlags {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly arch?: string | undefined;
  readonly os?: string | undefined;
  readonly osVersion?: string | undefined;
  readonly osFeatures?: readonly string[];
  readonly features?: readonly string[];
  readonly variant?: string | undefined;
}

export interface AddFlags extends EntryFlags {
  readonly access?: AccessOptions;
  /** Every image of an index, not only the one for the wanted platform. */
  readonly all?: boolean;
}

/** From the store if it is there, else from its registry: then only its manifest is fetched. */
export async function memberEntries(ctx: Context, text: string, flags: AddFlags): Promise<IndexEntry[]> {
  const remote = text.startsWith("docker://");
  const name = text.replace(/^(docker:\/\/|containers-storage:)/, "");
  const local = remote ? undefined : tryFindImage(ctx, name);
  if (local === undefined) return remoteEntries(ctx, name, flags);
  return [...(listOf(ctx, local.record)?.entries ?? [localEntry(ctx, local.record)])];
}

export function localEntry(ctx: Context, record: ImageRecord): IndexEntry {
  const { manifest, bytes } = imageManifest(ctx, record);
  return {
    mediaType: manifest.mediaType,
    size: bytes.length,
    digest: record.manifestDigest as Digest,
    platform: platformOf(imageConfig(record)),
  };
}

function platformOf({ os, architecture, variant }: Platform): EntryPlatform {
  return { architecture, os, ...(variant === undefined || variant === "" ? {} : { variant }) };
}

async function remoteEntries(ctx: Context, name: string, flags: AddFlags): Promise<IndexEntry[]> {
  const reference = dockerReference(parseReference(name));
  const puller = await openPuller(ctx, flags.access);
  const { source, top } = await puller.findManifest(reference);
  const repo = formatReference({ domain: reference.domain, path: reference.path });
  const fromRepo = (entry: IndexEntry) => withSource(entry, `${repo}@${entry.digest}`);
  const blobs = new BlobStore(ctx.paths);
  if (isIndexType(documentType(top))) {
    const { entries } = readIndexDocument(top.bytes, `index of ${name}`);
    const { all, os, arch, variant } = flags;
    const wanted = wantedPlatform({ os, arch, variant });
    const chosen = all === true ? undefined : requireManifest(parseIndex(top.bytes), name, wanted).digest;
    return entries.filter(({ digest }) => chosen === undefined || digest === chosen).map(fromRepo);
  }
  blobs.put(top.bytes);
  const manifest = parseManifest(top.bytes, `manifest of ${name}`);
  const bytes = await source.document(manifest.config, "image config", MAX_CONFIG);
  const platform = isImageConfig(manifest.config.mediaType)
    ? { platform: platformOf(parseImageConfig(bytes)) }
    : {};
  return [
    fromRepo({ mediaType: manifest.mediaType, size: top.bytes.length, digest: top.digest, ...platform }),
  ];
}

function isImageConfig(type: string): boolean {
  return type === MEDIA.ociConfig || type === MEDIA.dockerConfig;
}

export function openPuller(ctx: Context, access: AccessOptions | undefined): Promise<Puller> {
  return Puller.open(ctx, {
    ...(access === undefined ? {} : { access }),
    retries: ctx.settings.retry,
    progress: SILENT,
  });
}

/** The entry with what the flags say about it. */
export function described(entry: IndexEntry, flags: EntryFlags): IndexEntry {
  const { annotations, arch, os, osVersion, osFeatures, features, variant } = flags;
  const said = {
    ...(arch ? { architecture: normaliseArchitecture(arch) } : {}),
    ...(os ? { os } : {}),
    ...(variant ? { variant } : {}),
    ...(osVersion ? { "os.version": osVersion } : {}),
    ...(osFeatures?.length ? { "os.features": osFeatures } : {}),
    ...(features?.length ? { features } : {}),
  };
  const platform = { ...(entry.platform ?? { architecture: "", os: "" }), ...said };
  const plain = entry.platform === undefined && Object.keys(said).length === 0;
  const notes = { ...entry.annotations, ...annotations };
  return {
    ...entry,
    ...(plain ? {} : { platform }),
    ...(Object.keys(notes).length === 0 ? {} : { annotations: notes }),
  };
}
