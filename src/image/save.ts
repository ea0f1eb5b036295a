/** `save`: images into an archive or a directory that podman, docker, skopeo and buildah read. */
import { closeSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { ConflictError, errnoCode, UsageError } from "../base/index.ts";
import { writeError, writeOut } from "../host/index.ts";
import { type Digest, digestHex, isDockerType, localName, sha256 } from "../oci/index.ts";
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
import { imageManifest } from "./documents.ts";
import { compressionOf, encodeManifest } from "./encode-manifest.ts";
import { findImage, tryFindImage } from "./resolve.ts";
import { dropTemporary, type LayerFile, layersAsStored, layersPlain } from "./save-layers.ts";
import { writeOci } from "./save-oci.ts";
import { directoryTarget, type Target, tarTarget, writeOnce } from "./save-target.ts";

export const SAVE_FORMATS = ["docker-archive", "oci-archive", "oci-dir", "docker-dir"] as const;
export type SaveFormat = (typeof SAVE_FORMATS)[number];

export interface SaveOptions {
  readonly format: SaveFormat;
  /** A path; absent: `sink` gets the archive. */
  readonly output?: string | undefined;
  readonly sink?: Sink;
  /** Every argument is an image; otherwise the first is one and the others are further names for it. */
  readonly multi?: boolean;
  /** OCI formats: what the image is called there, instead of its names. */
  readonly refName?: string | undefined;
  /** docker-dir: layers are compressed. */
  readonly compress?: boolean;
  /** OCI formats: layers are written as plain tars, whatever form they came in; the manifest's digest changes with them. */
  readonly uncompressed?: boolean;
}

export interface SavedImage {
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
  const extra = multi ? [] : names.slice(1).map((name) => furtherName(ctx, found[0]?.record, name));
  const images = new Map<string, { record: ImageRecord; names: string[] }>();
  for (const { record, name } of found) {
    const image = images.get(record.id) ?? { record, names: [] };
    if (name !== undefined && !name.includes("@")) image.names.push(name);
    images.set(record.id, image);
  }
  return [...images.values()].map((image) => ({ ...image, names: [...new Set([...image.names, ...extra])] }));
}

/** A name of another image would be that image's no more wherever the archive is loaded: nobody means that. */
function furtherName(ctx: Context, image: ImageRecord | undefined, name: string): string {
  const other = tryFindImage(ctx, name)?.record;
  if (other === undefined || other.id === image?.id) return localName(name);
  throw new UsageError(
    "save-names",
    `cannot save ${JSON.stringify(name)} as a further name: it is another image`,
    { hint: "give --multi-image-archive (-m) to save every image that is named" },
  );
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
    else digest = await writeOci(ctx, images[0] as SavedImage, tarTarget(tar), options);
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
      await write((piece) => writeOut(fd, piece));
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

async function saveDirectory(ctx: Context, image: SavedImage, options: SaveOptions): Promise<Digest> {
  const root = options.output as string;
  try {
    mkdirSync(root, { recursive: true });
    const target = directoryTarget(root);
    if (options.format === "oci-dir") return await writeOci(ctx, image, target, options);
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
