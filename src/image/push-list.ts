/** `manifest push`: an index and the images it names. */
import { openAsBlob, rmSync } from "node:fs";
import { UsageError } from "../base/index.ts";
import {
  type Descriptor,
  type Digest,
  dockerReference,
  type FullReference,
  formatReference,
  isIndexType,
  MEDIA,
  parseIndex,
  parseManifest,
  parseReference,
  repository,
} from "../oci/index.ts";
import { RegistryAccess, type Repository } from "../registry/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";
import { BlobStore, forgetPartial, lockShared } from "../storage/index.ts";
import { downloadBlob } from "./download.ts";
import {
  encodeIndex,
  type IndexDocument,
  type IndexEntry,
  indexType,
  sourceOf,
  withoutSource,
} from "./index-document.ts";
import { openPuller } from "./list-entries.ts";
import { SILENT } from "./progress.ts";
import { MAX_NESTING, type Puller, tooDeep } from "./pull.ts";
import { explained, type PushOptions, pushImage } from "./push.ts";
import { findList } from "./stored-list.ts";

export interface PushListOptions extends PushOptions {
  /** The images too, not only the index. */
  readonly all: boolean;
  /** Every image once more with this compression. */
  readonly addCompression?: readonly "zstd"[];
}

/** The annotation by which tools find the entries they can unpack fastest. */
const ZSTD_NOTE = "io.github.containers.compression.zstd";

/**
 * Sends the images of a list, then the list with the digests they have there.
 *
 * @returns the digest of the list as it was pushed
 */
export async function pushList(
  ctx: Context,
  list: string,
  destination: string,
  options: PushListOptions,
): Promise<Digest> {
  const { document } = findList(ctx, list);
  const target = listTarget(destination);
  const { progress } = options;
  const count = options.all ? document.entries.length : 0;
  progress.line("Getting image list signatures");
  progress.line(`Copying ${count} images generated from ${document.entries.length} images in list`);
  const repo = (await RegistryAccess.open(ctx, options.access)).pushTarget(target);
  return explained(target, async () => {
    const entries = options.all
      ? await sendMembers(ctx, document, { repo, target, options })
      : document.entries;
    const pushed: IndexDocument = { ...document, entries: entries.map(withoutSource) };
    const type = listType(pushed, options.format);
    progress.line("Writing manifest list to image destination");
    return repo.putManifest(target.tag ?? "latest", encodeIndex(pushed, type), type, options.signal);
  });
}

function listTarget(destination: string): FullReference {
  const [, word] = /^([a-z-]+):(?!\d)/.exec(destination.replace(/^docker:\/\//, "")) ?? [];
  if (word !== undefined && ["dir", "oci", "oci-archive", "docker-archive"].includes(word))
    throw new UsageError(
      "transport-unknown",
      `cannot push a manifest list to ${word}: only registries hold lists`,
    );
  return dockerReference(parseReference(destination.replace(/^docker:\/\//, "")));
}

function listType(document: IndexDocument, format: PushOptions["format"]): string {
  if (format === undefined) return indexType(document);
  return format === "oci" ? MEDIA.ociIndex : MEDIA.dockerIndex;
}

interface Sending {
  readonly repo: Repository;
  readonly target: FullReference;
  readonly options: PushListOptions;
}

async function sendMembers(ctx: Context, document: IndexDocument, sending: Sending): Promise<IndexEntry[]> {
  const sent: IndexEntry[] = [];
  for (const entry of document.entries) sent.push(await sendMember(ctx, entry, sending));
  for (const compression of sending.options.addCompression ?? []) {
    for (const entry of document.entries) {
      const record = memberRecord(ctx, entry);
      if (record === undefined) continue;
      const added = await sendImage(ctx, record, entry, {
        ...sending,
        options: { ...sending.options, compression },
      });
      sent.push({ ...added, annotations: { ...added.annotations, [ZSTD_NOTE]: "true" } });
    }
  }
  return sent;
}

/** An index that is in the store as well is not sent as an image. */
function memberRecord(ctx: Context, entry: IndexEntry): ImageRecord | undefined {
  if (isIndexType(entry.mediaType)) return undefined;
  return ctx.state.images.byDigest(entry.digest).find((image) => image.manifestDigest === entry.digest);
}

async function sendMember(ctx: Context, entry: IndexEntry, sending: Sending): Promise<IndexEntry> {
  const record = memberRecord(ctx, entry);
  if (record !== undefined) return sendImage(ctx, record, entry, sending);
  const source = sourceOf(entry);
  if (source === undefined) await sendStored(ctx, entry, sending);
  else await copyRemote(ctx, entry, source, sending);
  return entry;
}

/** What it is called there: compression may have changed its digest. */
async function sendImage(
  ctx: Context,
  record: ImageRecord,
  entry: IndexEntry,
  { target, options }: Sending,
): Promise<IndexEntry> {
  const { digest, size, mediaType } = await pushImage(ctx, record, target, { ...options, byDigest: true });
  return { ...entry, digest, size, mediaType };
}

/** An artifact: its blobs are in the store. */
async function sendStored(ctx: Context, entry: IndexEntry, { repo, options }: Sending): Promise<void> {
  const blobs = new BlobStore(ctx.paths);
  const bytes = blobs.read(entry.digest);
  const { config, layers } = parseManifest(bytes, `manifest ${entry.digest}`);
  for (const blob of [...layers, config]) {
    if (await repo.hasBlob(blob.digest, options.signal)) continue;
    await repo.upload({ ...blob, body: await openAsBlob(blobs.path(blob.digest)) }, options.signal);
  }
  await repo.putManifest(entry.digest, bytes, entry.mediaType, options.signal);
}

/** From registry to registry, a blob at a time by way of the store. */
async function copyRemote(ctx: Context, entry: IndexEntry, source: string, sending: Sending): Promise<void> {
  const reference = dockerReference(parseReference(source));
  if (repository(reference) === repository(sending.target)) return;
  const puller = await openPuller(ctx, sending.options.access);
  await copyDocument(ctx, { puller, sending, reference }, entry, MAX_NESTING);
}

interface RemoteCopy {
  readonly puller: Puller;
  readonly sending: Sending;
  /** Of the repository everything is in. */
  readonly reference: FullReference;
}

/** A manifest or index with all it names, which goes first. */
async function copyDocument(
  ctx: Context,
  copy: RemoteCopy,
  { digest, mediaType }: Pick<IndexEntry, "digest" | "mediaType">,
  depth: number,
): Promise<void> {
  const { repo, options } = copy.sending;
  const { tag: _, ...place } = copy.reference;
  const { source, top } = await copy.puller.findManifest({ ...place, digest });
  if (!isIndexType(mediaType)) await copyBlobs(ctx, copy, source, top.bytes);
  else if (depth === 0) throw tooDeep();
  else {
    for (const member of parseIndex(top.bytes, `index ${digest}`).manifests)
      await copyDocument(ctx, copy, member, depth - 1);
  }
  await repo.putManifest(digest, top.bytes, mediaType, options.signal);
}

async function copyBlobs(
  ctx: Context,
  { sending, reference }: RemoteCopy,
  source: Repository,
  manifest: Buffer,
): Promise<void> {
  const { repo, target, options } = sending;
  const { config, layers } = parseManifest(manifest, `manifest of ${formatReference(reference)}`);
  for (const blob of [...layers, config]) {
    if (await repo.hasBlob(blob.digest, options.signal)) continue;
    const mount =
      reference.domain === target.domain &&
      (await repo.mountBlob(blob.digest, reference.path, options.signal));
    if (!mount) await copyBlob(ctx, blob, source, { repo, options });
  }
}

async function copyBlob(
  ctx: Context,
  blob: Descriptor,
  from: Repository,
  { repo, options }: Pick<Sending, "repo" | "options">,
): Promise<void> {
  const lock = await lockShared(ctx.paths);
  const path = new BlobStore(ctx.paths).temporary("blob");
  const signal = options.signal ?? new AbortController().signal;
  try {
    const meter = SILENT.blob(blob.digest, blob.size);
    await downloadBlob(ctx, { repository: from, blob, path, meter, signal });
    await repo.upload({ ...blob, body: await openAsBlob(path) }, signal);
    forgetPartial(ctx.paths, blob.digest);
  } finally {
    rmSync(path, { force: true });
    lock.release();
  }
}
