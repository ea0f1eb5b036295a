/** `save`: images into an archive or a directory that podman, docker, skopeo and buildah read. */
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { ConflictError, errnoCode, UsageError } from "../base/index.ts";
import { writeError } from "../host/index.ts";
import { type Digest, digestHex, isDockerType, localName, MEDIA, sha256 } from "../oci/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";
import {
  BlobStore,
  closeRange,
  lockShared,
  openRange,
  readRange,
  type Sink,
  TarWriter,
  zlib,
} from "../storage/index.ts";
import { blobName } from "./archive-files.ts";
import { imageManifest } from "./documents.ts";
import { compressionOf, encodeManifest } from "./encode-manifest.ts";
import { findImage } from "./resolve.ts";
import { dropTemporary, type LayerFile, layersAsStored, layersPlain } from "./save-layers.ts";

export const SAVE_FORMATS = ["docker-archive", "oci-archive", "oci-dir", "docker-dir"] as const;
export type SaveFormat = (typeof SAVE_FORMATS)[number];

export interface SaveOptions {
  readonly format: SaveFormat;
  /** A path; absent: `sink` gets the archive. */
  readonly output?: string | undefined;
  readonly sink?: Sink;
  /** Every argument is an image; otherwise the first is one and the others are further names for it. */
  readonly multi?: boolean;
  /** docker-dir: layers are compressed. */
  readonly compress?: boolean;
  /** OCI formats: layers are written as plain tars, whatever form they came in; the manifest's digest changes with them. */
  readonly uncompressed?: boolean;
}

interface SavedImage {
  readonly record: ImageRecord;
  readonly names: readonly string[];
}

/**
 * @returns the digest of the manifest that was written; docker-archive has none
 * @throws {UsageError | NotFoundError | StorageError} with no output file left behind
 */
export async function saveImages(
  ctx: Context,
  names: readonly string[],
  options: SaveOptions,
): Promise<Digest | undefined> {
  const images = chooseImages(ctx, names, options.multi === true);
  const isDirectory = options.format === "oci-dir" || options.format === "docker-dir";
  if (images.length > 1 && options.format !== "docker-archive") {
    throw new UsageError(
      "save-format",
      `cannot save several images as ${options.format}: only docker-archive holds them`,
    );
  }
  const lock = await lockShared(ctx.paths);
  try {
    if (isDirectory) return await saveDirectory(ctx, images[0] as SavedImage, options);
    return await saveArchive(ctx, images, options);
  } finally {
    lock.release();
  }
}

function chooseImages(ctx: Context, names: readonly string[], multi: boolean): SavedImage[] {
  const found = (multi ? names : names.slice(0, 1)).map((name) => findImage(ctx, name));
  const extra = multi ? [] : names.slice(1).map(localName);
  const images = new Map<string, { record: ImageRecord; names: string[] }>();
  for (const { record, name } of found) {
    const image = images.get(record.id) ?? { record, names: [] };
    if (name !== undefined && !name.includes("@")) image.names.push(name);
    images.set(record.id, image);
  }
  return [...images.values()].map((image) => ({ ...image, names: [...new Set([...image.names, ...extra])] }));
}

async function saveArchive(
  ctx: Context,
  images: readonly SavedImage[],
  options: SaveOptions,
): Promise<Digest | undefined> {
  let digest: Digest | undefined;
  await toOutput(options, async (sink) => {
    const tar = new TarWriter(sink);
    if (options.format === "docker-archive") await writeDockerArchive(ctx, tar, images);
    else digest = await writeOci(ctx, images[0] as SavedImage, tarTarget(tar), options.uncompressed === true);
    tar.end();
  });
  return digest;
}

/** A named file appears whole or not at all; a device or pipe is written to directly. */
async function toOutput(options: SaveOptions, write: (sink: Sink) => Promise<void>): Promise<void> {
  if (options.output === undefined) return write(options.sink as Sink);
  const special = options.output.startsWith("/dev/");
  const path = special ? options.output : `${options.output}.${process.pid}.tmp`;
  try {
    const fd = openSync(path, special ? "w" : "wx", 0o666);
    try {
      await write((piece) => {
        for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
      });
    } finally {
      closeSync(fd);
    }
    if (!special) renameSync(path, options.output);
  } catch (error) {
    if (!special) rmSync(path, { force: true });
    throw errnoCode(error)?.startsWith("E") && !("hint" in (error as object))
      ? writeError(options.output, error)
      : error;
  }
}

async function writeDockerArchive(
  ctx: Context,
  tar: TarWriter,
  images: readonly SavedImage[],
): Promise<void> {
  const written = new Set<string>();
  const items: object[] = [];
  for (const { record, names } of images) {
    const { manifest } = imageManifest(ctx, record);
    const layers = await layersPlain(ctx, record, manifest);
    try {
      for (const layer of layers) writeOnce(tar, written, `${digestHex(layer.digest)}.tar`, layer);
    } finally {
      dropTemporary(layers);
    }
    const config = Buffer.from(record.configJson);
    tar.file(`${record.id}.json`, config.length, [config]);
    const Layers = layers.map((layer) => `${digestHex(layer.digest)}.tar`);
    items.push({ Config: `${record.id}.json`, RepoTags: names, Layers });
  }
  const document = Buffer.from(JSON.stringify(items));
  tar.file("manifest.json", document.length, [document]);
}

function writeOnce(tar: TarWriter, written: Set<string>, name: string, file: LayerFile): void {
  if (written.has(name)) return;
  written.add(name);
  const range = openRange({ path: file.path, offset: 0, size: file.size });
  try {
    tar.file(name, file.size, readRange(range));
  } finally {
    closeRange(range);
  }
}

/** Where the files of a layout go. */
interface Target {
  directory(name: string): void;
  bytes(name: string, data: Uint8Array): void;
  file(name: string, file: LayerFile): void;
}

function tarTarget(tar: TarWriter): Target {
  const written = new Set<string>();
  return {
    directory: (name) => tar.directory(name),
    bytes: (name, data) => tar.file(name, data.length, [data]),
    file: (name, file) => writeOnce(tar, written, name, file),
  };
}

function directoryTarget(root: string): Target {
  return {
    directory: (name) => mkdirSync(join(root, name), { recursive: true }),
    bytes: (name, data) => writeFileSync(join(root, name), data),
    file(name, file) {
      const fd = openSync(join(root, name), "w", 0o666);
      const range = openRange({ path: file.path, offset: 0, size: file.size });
      try {
        for (const piece of readRange(range))
          for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
      } finally {
        closeRange(range);
        closeSync(fd);
      }
    },
  };
}

async function saveDirectory(ctx: Context, image: SavedImage, options: SaveOptions): Promise<Digest> {
  const root = options.output as string;
  try {
    mkdirSync(root, { recursive: true });
    const target = directoryTarget(root);
    if (options.format === "oci-dir")
      return await writeOci(ctx, image, target, options.uncompressed === true);
    return await writeDockerDirectory(ctx, image, target, options.compress === true);
  } catch (error) {
    if (errnoCode(error) === "EEXIST" || errnoCode(error) === "ENOTDIR") {
      throw new ConflictError("output-exists", `cannot save to ${root}: it is not a directory`, {
        exitCode: 125,
        cause: error,
      });
    }
    throw error;
  }
}

/** An OCI layout of one image: an image that came with an OCI manifest keeps it, and with it its digest. */
async function writeOci(
  ctx: Context,
  { record, names }: SavedImage,
  target: Target,
  plain: boolean,
): Promise<Digest> {
  const { manifest, bytes } = imageManifest(ctx, record);
  const layers = await (plain ? layersPlain : layersAsStored)(ctx, record, manifest);
  try {
    const saved = isDockerType(manifest.mediaType) || plain ? encodeManifest(manifest, layers, false) : bytes;
    target.directory("blobs");
    target.directory("blobs/sha256");
    for (const layer of layers) target.file(blobName(layer.digest), layer);
    target.bytes(blobName(manifest.config.digest), new BlobStore(ctx.paths).read(manifest.config.digest));
    const digest = sha256(saved);
    target.bytes(blobName(digest), saved);
    const entry = { mediaType: MEDIA.ociManifest, digest, size: saved.length };
    const named = names.map((name) => ({
      ...entry,
      annotations: { "org.opencontainers.image.ref.name": name },
    }));
    const index = {
      schemaVersion: 2,
      mediaType: MEDIA.ociIndex,
      manifests: named.length > 0 ? named : [entry],
    };
    target.bytes("index.json", Buffer.from(JSON.stringify(index)));
    target.bytes("oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
    return digest;
  } finally {
    dropTemporary(layers);
  }
}

async function writeDockerDirectory(
  ctx: Context,
  { record }: SavedImage,
  target: Target,
  compress: boolean,
): Promise<Digest> {
  const { manifest, bytes } = imageManifest(ctx, record);
  const stored = await layersAsStored(ctx, record, manifest);
  const layers = compress ? stored.map((layer) => compressed(ctx, layer)) : stored;
  try {
    for (const layer of layers) target.file(digestHex(layer.digest), layer);
    target.bytes(digestHex(manifest.config.digest), new BlobStore(ctx.paths).read(manifest.config.digest));
    const same = isDockerType(manifest.mediaType) && !compress;
    const saved = same ? bytes : encodeManifest(manifest, layers, true);
    target.bytes("manifest.json", saved);
    target.bytes("version", Buffer.from("Directory Transport Version: 1.1\n"));
    return sha256(saved);
  } finally {
    dropTemporary([...layers, ...stored]);
  }
}

/** gzip members of a few megabytes each: bounded memory, and readable by everybody as one stream. */
function compressed(ctx: Context, layer: LayerFile): LayerFile {
  if (compressionOf(layer) !== "none") return layer;
  const writer = new BlobStore(ctx.paths).begin();
  const range = openRange({ path: layer.path, offset: 0, size: layer.size });
  try {
    for (const piece of readRange(range)) writer.write(zlib().gzipSync(piece));
    return { ...writer.finish(), temporary: true };
  } catch (error) {
    writer.abort();
    throw error;
  } finally {
    closeRange(range);
  }
}
