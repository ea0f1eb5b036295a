/** `manifest create/add/annotate/inspect/remove`: indexes made in the store. Each is an image without layers that keeps its ID. */
import { randomBytes } from "node:crypto";
import { ConflictError, NotFoundError } from "../base/index.ts";
import {
  type Digest,
  digestHex,
  dockerReference,
  formatReference,
  isDigest,
  isIndexType,
  localName,
  MAX_CONFIG,
  MEDIA,
  type Platform,
  parseImageConfig,
  parseIndex,
  parseManifest,
  parseReference,
  tryParseReference,
} from "../oci/index.ts";
import type { AccessOptions } from "../registry/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";
import { BlobStore, lockShared } from "../storage/index.ts";
import { imageConfig, imageManifest } from "./documents.ts";
import {
  type EntryPlatform,
  encodeIndex,
  type IndexDocument,
  type IndexEntry,
  publicIndex,
  readIndexDocument,
  withSource,
} from "./index-document.ts";
import { normaliseArchitecture, requireManifest } from "./platform.ts";
import { SILENT } from "./progress.ts";
import { documentType, Puller, readingError } from "./pull.ts";
import { findImage, tryFindImage } from "./resolve.ts";

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

/** The index of a name or ID. @throws {NotFoundError} */
export function findList(ctx: Context, name: string): { record: ImageRecord; document: IndexDocument } {
  const { record } = findImage(ctx, name);
  const bytes = new BlobStore(ctx.paths).read(record.manifestDigest as Digest);
  if (!isListBytes(bytes)) throw new NotFoundError("not-a-list", `${name}: image is not a manifest list`);
  return { record, document: readIndexDocument(bytes, `index ${name}`) };
}

export function isList(ctx: Context, record: ImageRecord): boolean {
  return (
    record.layers.length === 0 && isListBytes(new BlobStore(ctx.paths).read(record.manifestDigest as Digest))
  );
}

function isListBytes(bytes: Buffer): boolean {
  return (JSON.parse(bytes.toString("utf8")) as { manifests?: unknown }).manifests !== undefined;
}

/** @returns its ID. @throws {ConflictError} `name-in-use` */
export async function createList(
  ctx: Context,
  name: string,
  members: readonly string[],
  flags: AddFlags & { readonly amend?: boolean },
): Promise<string> {
  const full = localName(name);
  const existing = ctx.state.images.byName(full);
  if (existing !== undefined && (flags.amend !== true || !isList(ctx, existing))) {
    throw new ConflictError(
      "name-in-use",
      `image name ${JSON.stringify(full)} is already associated with image ${existing.id}: that name is already in use`,
      { exitCode: 125 },
    );
  }
  const { annotations, ...entryFlags } = flags;
  const entries: IndexEntry[] = [];
  for (const member of members) entries.push(...(await memberEntries(ctx, member, entryFlags)));
  if (existing === undefined)
    return newList(ctx, full, { entries, ...(annotations === undefined ? {} : { annotations }) });
  changeList(ctx, existing, (document) =>
    merge({ ...document, annotations: { ...document.annotations, ...annotations } }, entries),
  );
  return existing.id;
}

async function newList(ctx: Context, name: string, document: IndexDocument): Promise<string> {
  const lock = await lockShared(ctx.paths);
  try {
    const blobs = new BlobStore(ctx.paths);
    // What makes it an image of its own, related to no other.
    const created = new Date().toISOString();
    const history = [
      { created, created_by: `manifest ${randomBytes(16).toString("hex")}`, empty_layer: true },
    ];
    const rootfs = { type: "layers", diff_ids: [] };
    const config = JSON.stringify({ created, architecture: "", os: "linux", rootfs, history });
    const manifestDigest = blobs.put(encodeIndex(document));
    const id = digestHex(blobs.put(Buffer.from(config)));
    blobs.sync();
    ctx.state.images.put({
      id,
      manifestDigest,
      created: Date.parse(created),
      size: 0,
      names: [name],
      digests: [manifestDigest],
      repoDigests: [],
      layers: [],
      configJson: config,
      readOnly: false,
    });
    return id;
  } finally {
    lock.release();
  }
}

/** Changes an index as one: two commands at once both take effect. */
export function changeList(
  ctx: Context,
  record: ImageRecord,
  change: (document: IndexDocument) => IndexDocument,
): void {
  const blobs = new BlobStore(ctx.paths);
  ctx.state.transaction(() => {
    const current = ctx.state.images.get(record.id);
    if (current === undefined) throw new NotFoundError("image-not-known", `${record.id}: image not known`);
    const document = readIndexDocument(blobs.read(current.manifestDigest as Digest), "index");
    ctx.state.images.setManifest(record.id, blobs.put(encodeIndex(change(document))));
  });
}

/** An entry replaces one of the same digest. */
export function merge(document: IndexDocument, entries: readonly IndexEntry[]): IndexDocument {
  const added = new Set(entries.map(({ digest }) => digest));
  return {
    ...document,
    entries: [...document.entries.filter(({ digest }) => !added.has(digest)), ...entries],
  };
}

/** @returns the list's ID */
export async function addToList(
  ctx: Context,
  list: string,
  members: readonly string[],
  flags: AddFlags,
): Promise<string> {
  const { record } = findList(ctx, list);
  const lock = await lockShared(ctx.paths);
  try {
    const entries: IndexEntry[] = [];
    for (const member of members) {
      const found = await memberEntries(ctx, member, flags);
      entries.push(...found.map((entry) => described(entry, flags)));
    }
    changeList(ctx, record, (document) => merge(document, entries));
    return record.id;
  } finally {
    lock.release();
  }
}

/** From the store if it is there, else from its registry: then only its manifest is fetched. */
async function memberEntries(ctx: Context, text: string, flags: AddFlags): Promise<IndexEntry[]> {
  const remote = text.startsWith("docker://");
  const name = text.replace(/^(docker:\/\/|containers-storage:)/, "");
  const local = remote ? undefined : tryFindImage(ctx, name);
  if (local === undefined) return remoteEntries(ctx, name, flags);
  if (!isList(ctx, local.record)) return [localEntry(ctx, local.record)];
  const { document } = findList(ctx, local.record.id);
  return [...document.entries];
}

function localEntry(ctx: Context, record: ImageRecord): IndexEntry {
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
    const chosen =
      flags.all === true ? undefined : requireManifest(parseIndex(top.bytes), name, wanted(flags)).digest;
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

function wanted({ os, arch, variant }: EntryFlags): Platform | undefined {
  if (!os && !arch && !variant) return undefined;
  const architecture = normaliseArchitecture(arch || process.arch.replace("x64", "amd64"));
  return { os: os || "linux", architecture, ...(variant ? { variant } : {}) };
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

/** @param member digest, or the name of an image whose manifest is in the list */
export function annotateEntry(ctx: Context, list: string, member: string, flags: EntryFlags): string {
  const { record, document } = findList(ctx, list);
  const digest = entryDigest(ctx, document, list, member);
  changeList(ctx, record, (current) => ({
    ...current,
    entries: current.entries.map((entry) => (entry.digest === digest ? described(entry, flags) : entry)),
  }));
  return record.id;
}

/** Annotations, and what it is about, of the index itself. */
export function annotateList(
  ctx: Context,
  list: string,
  flags: { readonly annotations?: Readonly<Record<string, string>>; readonly subject?: string | undefined },
): string {
  const { record } = findList(ctx, list);
  const subject = flags.subject === undefined ? {} : { subject: subjectOf(ctx, flags.subject) };
  changeList(ctx, record, (document) => ({
    ...document,
    annotations: { ...document.annotations, ...flags.annotations },
    ...subject,
  }));
  return record.id;
}

export function subjectOf(ctx: Context, name: string): object {
  const { record } = findImage(ctx, name);
  const { mediaType, digest, size } = localEntry(ctx, record);
  return { mediaType, digest, size };
}

/** @returns the list's ID */
export function removeFromList(ctx: Context, list: string, member: string): string {
  const { record, document } = findList(ctx, list);
  const digest = entryDigest(ctx, document, list, member);
  changeList(ctx, record, (current) => ({
    ...current,
    entries: current.entries.filter((entry) => entry.digest !== digest),
  }));
  return record.id;
}

function entryDigest(ctx: Context, document: IndexDocument, list: string, member: string): Digest {
  const name = member.replace(/^(docker:\/\/|containers-storage:)/, "");
  const digest = isDigest(name)
    ? name
    : (tryParseReference(name)?.digest ?? tryFindImage(ctx, name)?.record.manifestDigest);
  const found = document.entries.find((entry) => entry.digest === digest);
  if (found !== undefined) return found.digest;
  throw new NotFoundError(
    "instance-not-known",
    `no instance matching ${JSON.stringify(member)} found in manifest list ${list}`,
  );
}

/** The list as it would be pushed, else what a registry has under the name. */
export async function inspectList(
  ctx: Context,
  name: string,
  access: AccessOptions | undefined,
): Promise<unknown> {
  const local = name.includes("://") ? undefined : tryFindImage(ctx, name);
  if (local !== undefined && isList(ctx, local.record))
    return JSON.parse(encodeIndex(publicIndex(findList(ctx, local.record.id).document)).toString("utf8"));
  const reference = dockerReference(parseReference(name.replace(/^docker:\/\//, "")));
  const puller = await openPuller(ctx, access);
  const { top } = await puller.findManifest(reference, readingError);
  documentType(top);
  return JSON.parse(top.bytes.toString("utf8"));
}
