/** The one way an image comes into the store, from wherever its documents and layers are. */
import { StorageError } from "../base/index.ts";
import { layersDir, syncDirectory } from "../host/index.ts";
import {
  type Descriptor,
  type Digest,
  digestHex,
  type ImageConfig,
  layerType,
  MEDIA,
  parseImageConfig,
  sha256,
} from "../oci/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";
import { BlobStore, type LayerSource, lockShared, type StoredLayer, storeLayers } from "../storage/index.ts";
import { jobRunner } from "./inside.ts";

export interface NewImage {
  /** The image config, verbatim: its digest is the image's ID. A function makes it once the layers' diffIDs are known. */
  readonly config: Uint8Array | ((diffIds: readonly Digest[]) => Uint8Array);
  /** The manifest it came with, verbatim; without one a manifest is made. */
  readonly manifest?: Uint8Array;
  /** Lowest first. */
  readonly layers: readonly LayerSource[];
  /** Full names. */
  readonly names: readonly string[];
  /** `name@digest` it was really fetched with. */
  readonly repoDigests?: readonly string[];
  /** Digests of the indexes it was found through. */
  readonly digests?: readonly Digest[];
  /** The manifest that is made is docker's. */
  readonly docker?: boolean;
  /** Of the manifest that is made, unless it is docker's. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface StoredImage {
  readonly record: ImageRecord;
  /** Bytes. */
  readonly manifestSize: number;
  /** The names it came with. */
  readonly names: readonly string[];
  /** Names that belonged to another image until now, with that image's ID. */
  readonly moved: readonly { readonly name: string; readonly from: string }[];
  /** Owners of files were dropped, because only one id is mapped. */
  readonly ownersDropped: boolean;
}

/**
 * Unpacks what is new, stores the documents and records the image, in this order: whoever sees the
 * record sees all of it.
 *
 * @throws {StorageError} if anything is not what the documents promise; nothing is recorded then
 */
export async function storeImage(ctx: Context, image: NewImage): Promise<StoredImage> {
  const run = jobRunner(ctx);
  const promised = typeof image.config === "function" ? undefined : parseImageConfig(image.config);
  const lock = await lockShared(ctx.paths);
  try {
    const sources = promised === undefined ? image.layers : withDiffIds(promised, image.layers);
    const layers = await storeLayers(ctx, run, sources);
    const bytes =
      typeof image.config === "function" ? image.config(layers.map(({ diffId }) => diffId)) : image.config;
    return recordImage(ctx, image, bytes, layers);
  } finally {
    lock.release();
  }
}

function withDiffIds(config: ImageConfig, layers: readonly LayerSource[]): LayerSource[] {
  if (layers.length !== config.diffIds.length) {
    throw new StorageError(
      "image-invalid",
      `cannot use image: it has ${layers.length} layers, its config names ${config.diffIds.length}`,
    );
  }
  return layers.map((layer, index) => ({ ...layer, diffId: config.diffIds[index] as Digest }));
}

/**
 * Records an image whose layers are in the store. The caller holds the store's lock shared.
 *
 * @param bytes the image config, verbatim
 */
export function recordImage(
  ctx: Context,
  image: Omit<NewImage, "config" | "layers">,
  bytes: Uint8Array,
  layers: readonly StoredLayer[],
): StoredImage {
  const config = parseImageConfig(bytes);
  const blobs = new BlobStore(ctx.paths);
  const manifest = image.manifest ?? makeManifest(image, bytes, layers);
  const id = digestHex(blobs.put(bytes));
  const manifestDigest = blobs.put(manifest);
  blobs.sync();
  if (layers.length > 0) syncDirectory(layersDir(ctx.paths));
  adoptManifest(ctx, id, manifestDigest);
  const moved = image.names.flatMap((name) => {
    const from = ctx.state.images.byName(name)?.id;
    return from === undefined || from === id ? [] : [{ name, from }];
  });
  const record = ctx.state.images.put({
    id,
    manifestDigest,
    created: config.created === undefined ? 0 : Date.parse(config.created) || 0,
    size: layers.reduce((sum, layer) => sum + layer.record.size, 0),
    names: image.names,
    digests: [manifestDigest, ...(image.digests ?? [])],
    repoDigests: image.repoDigests ?? [],
    layers: layers.map((layer) => layer.record.row),
    configJson: Buffer.from(bytes).toString("utf8"),
    readOnly: false,
  });
  return {
    record,
    manifestSize: manifest.length,
    names: image.names,
    moved,
    ownersDropped: layers.some((layer) => layer.ownersDropped),
  };
}

/** An image that is there keeps the manifest it came with, unless that has been lost. */
function adoptManifest(ctx: Context, id: string, manifest: Digest): void {
  const known = ctx.state.images.get(id);
  if (known === undefined || new BlobStore(ctx.paths).has(known.manifestDigest as Digest)) return;
  ctx.state.images.setManifest(id, manifest);
}

/** A manifest for an image that came without: its layers as they are kept. */
export function makeManifest(
  { docker = false, annotations = {} }: Pick<NewImage, "docker" | "annotations">,
  config: Uint8Array,
  layers: readonly StoredLayer[],
): Uint8Array {
  const descriptors: Descriptor[] = layers.map((layer) => ({
    mediaType: layerType(layer.compression, docker),
    digest: layer.blob,
    size: layer.blobSize,
  }));
  const document = {
    schemaVersion: 2,
    mediaType: docker ? MEDIA.dockerManifest : MEDIA.ociManifest,
    config: {
      mediaType: docker ? MEDIA.dockerConfig : MEDIA.ociConfig,
      digest: sha256(config),
      size: config.length,
    },
    layers: descriptors,
    ...(docker || Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
  return Buffer.from(JSON.stringify(document));
}
