/** `manifest add --artifact`: files as an OCI artifact, kept in the store for as long as its index is. */
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { UsageError } from "../base/index.ts";
import { type Digest, MEDIA } from "../oci/index.ts";
import type { Context } from "../state/index.ts";
import { BlobStore, closeRange, lockShared, openRange, readRange } from "../storage/index.ts";
import type { IndexEntry } from "./index-document.ts";
import { described, type EntryFlags } from "./list-entries.ts";
import { subjectOf } from "./manifest-list.ts";
import { changeList, findList, merge } from "./stored-list.ts";

export interface ArtifactFlags extends EntryFlags {
  readonly artifactType?: string | undefined;
  readonly configFile?: string | undefined;
  readonly configType?: string | undefined;
  readonly layerType?: string | undefined;
  readonly excludeTitles?: boolean;
  /** An image or digest the artifact is about. */
  readonly subject?: string | undefined;
}

/** Files as an artifact of its own, put into the list. @returns the list's ID */
export async function addArtifact(
  ctx: Context,
  list: string,
  files: readonly string[],
  flags: ArtifactFlags,
): Promise<string> {
  const { record } = findList(ctx, list);
  if (files.length === 0) throw new UsageError("arguments-missing", "an artifact needs at least one file");
  const lock = await lockShared(ctx.paths);
  try {
    const blobs = new BlobStore(ctx.paths);
    const config = artifactConfig(blobs, flags);
    const artifactType =
      flags.artifactType === undefined ? "application/vnd.unknown.artifact.v1" : flags.artifactType;
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MEDIA.ociManifest,
        ...(artifactType === "" ? {} : { artifactType }),
        config,
        layers: files.map((path) => artifactLayer(blobs, path, flags)),
        ...(flags.subject === undefined ? {} : { subject: subjectOf(ctx, flags.subject) }),
      }),
    );
    const entry: IndexEntry = {
      mediaType: MEDIA.ociManifest,
      size: manifest.length,
      digest: blobs.put(manifest),
      ...(artifactType === "" || flags.artifactType === undefined ? {} : { artifactType }),
    };
    blobs.sync();
    changeList(ctx, record, (document) => merge(document, [described(entry, flags)]));
    return record.id;
  } finally {
    lock.release();
  }
}

const EMPTY_CONFIG = "application/vnd.oci.empty.v1+json";

function artifactConfig(blobs: BlobStore, { configFile, configType }: ArtifactFlags) {
  const given = configFile ? readFileSync(configFile) : undefined;
  const bytes = given === undefined || given.length === 0 ? Buffer.from("{}") : given;
  const fallback = given === undefined || given.length === 0 ? EMPTY_CONFIG : MEDIA.ociConfig;
  return { mediaType: configType || fallback, digest: blobs.put(bytes), size: bytes.length };
}

function artifactLayer(blobs: BlobStore, path: string, { layerType, excludeTitles }: ArtifactFlags) {
  const { digest, size, head } = copyFile(blobs, path);
  return {
    mediaType: layerType || guessType(head),
    digest,
    size,
    ...(excludeTitles === true ? {} : { annotations: { "org.opencontainers.image.title": basename(path) } }),
  };
}

function copyFile(blobs: BlobStore, path: string): { digest: Digest; size: number; head: Buffer } {
  const size = statSync(path).size;
  const range = openRange({ path, offset: 0, size });
  const writer = blobs.begin();
  let head = Buffer.alloc(0);
  try {
    for (const piece of readRange(range)) {
      if (head.length === 0) head = Buffer.from(piece.subarray(0, 512));
      writer.write(piece);
    }
    return { digest: writer.commit(), size, head };
  } catch (error) {
    writer.abort();
    throw error;
  } finally {
    closeRange(range);
  }
}

/** Text or not: more cannot be told from a file's first bytes without a catalogue. */
function guessType(head: Buffer): string {
  const text = !head.some((byte) => byte < 9 || (byte > 13 && byte < 32 && byte !== 27));
  return text && head.length > 0 ? "text/plain" : "application/octet-stream";
}
