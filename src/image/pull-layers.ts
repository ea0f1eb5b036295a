/** The layers of a remote image: which have to be fetched, several at once, unpacked as they arrive. */
import { rmSync } from "node:fs";
import { StorageError } from "../base/index.ts";
import {
  chainIds,
  type Descriptor,
  type Digest,
  type ImageConfig,
  isLayerType,
  type Manifest,
} from "../oci/index.ts";
import type { Repository } from "../registry/index.ts";
import type { Context } from "../state/index.ts";
import { BlobStore, forgetPartial, type LayerSource, layerPresent, raiseSign } from "../storage/index.ts";
import { downloadBlob } from "./download.ts";
import type { Progress } from "./progress.ts";

/** Downloads at once. */
const PARALLEL = 4;

export interface LayerFetch {
  readonly repository: Repository;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Gives `store` the layers as sources that are still growing, and downloads meanwhile. Whichever fails
 * first ends the other; its error is thrown. The caller holds the store's lock shared.
 */
export async function withLayers<T>(
  ctx: Context,
  fetch: LayerFetch,
  store: (layers: readonly LayerSource[]) => Promise<T>,
): Promise<T> {
  for (const { mediaType } of fetch.manifest.layers) requireLayerType(mediaType);
  const downloads = new Downloads(ctx, fetch);
  try {
    const layers = fetch.manifest.layers.map((layer, position) =>
      layerFor(ctx, fetch, downloads, layer, position),
    );
    const stored = store(layers);
    stored.catch(() => downloads.stop());
    const [fetched, result] = await Promise.allSettled([downloads.run(), stored]);
    if (fetched.status === "rejected" && !downloads.stopped) throw fetched.reason;
    if (result.status === "rejected") throw result.reason;
    if (fetched.status === "rejected") throw fetched.reason;
    downloads.forget();
    return result.value;
  } finally {
    downloads.dispose();
  }
}

function requireLayerType(mediaType: string): void {
  if (isLayerType(mediaType)) return;
  throw new StorageError(
    "image-invalid",
    `cannot use image: ${JSON.stringify(mediaType.slice(0, 120))} is no layer of a filesystem`,
    {
      hint: "it may be an artifact, which cannot be run",
    },
  );
}

function layerFor(
  ctx: Context,
  fetch: LayerFetch,
  downloads: Downloads,
  layer: Descriptor,
  position: number,
): LayerSource {
  const blobs = new BlobStore(ctx.paths);
  const chainId = chainIds(fetch.config.diffIds.slice(0, position + 1)).at(-1);
  const name = `layer ${position}`;
  const stored: LayerSource = {
    file: { path: blobs.path(layer.digest), offset: 0, size: layer.size },
    blob: layer.digest,
    verified: Promise.resolve(),
    name,
  };
  if (
    (chainId !== undefined && layerPresent(ctx, chainId, layer)) ||
    blobs.size(layer.digest) === layer.size
  ) {
    fetch.progress.blob(layer.digest, layer.size).end("exists");
    return stored;
  }
  return { ...stored, ...downloads.add(layer) };
}

/** The downloads of one image; the same blob twice is fetched once. */
class Downloads {
  stopped = false;
  #failed = false;
  readonly #ctx: Context;
  readonly #fetch: LayerFetch;
  readonly #stem: string;
  readonly #sign: ReturnType<typeof raiseSign>;
  readonly #abort = new AbortController();
  readonly #work = new Map<
    Digest,
    { layer: Descriptor; path: string; verified: PromiseWithResolvers<void> }
  >();

  constructor(ctx: Context, fetch: LayerFetch) {
    this.#ctx = ctx;
    this.#fetch = fetch;
    this.#stem = new BlobStore(ctx.paths).temporary("blob");
    this.#sign = raiseSign(`${this.#stem}.sign`);
  }

  add(layer: Descriptor): Pick<LayerSource, "file" | "verified"> {
    const known = this.#work.get(layer.digest);
    const item = known ?? {
      layer,
      path: `${this.#stem}-${this.#work.size}`,
      verified: Promise.withResolvers<void>(),
    };
    item.verified.promise.catch(() => {});
    this.#work.set(layer.digest, item);
    return {
      file: { path: item.path, offset: 0, size: layer.size, sign: this.#sign.path },
      verified: item.verified.promise,
    };
  }

  /** In the order in which they are unpacked: the largest first. */
  async run(): Promise<void> {
    const queue = [...this.#work.values()].sort((a, b) => b.layer.size - a.layer.size);
    const { signal: outer } = this.#fetch;
    const signal = outer === undefined ? this.#abort.signal : AbortSignal.any([outer, this.#abort.signal]);
    const worker = async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
        const { layer, path } = item;
        const meter = this.#fetch.progress.blob(layer.digest, layer.size);
        await downloadBlob(this.#ctx, {
          repository: this.#fetch.repository,
          blob: layer,
          path,
          meter,
          signal,
        });
        item.verified.resolve();
      }
    };
    try {
      await Promise.all(Array.from({ length: PARALLEL }, worker));
    } catch (error) {
      this.#failed = true;
      this.#abort.abort();
      this.#sign.end();
      for (const item of this.#work.values()) item.verified.reject(error);
      throw error;
    }
  }

  /** The layers could not be stored: more of them is of no use. */
  stop(): void {
    // After a failed download the layers fail, too; the download's error is the one to tell.
    if (this.#failed) return;
    this.stopped = true;
    this.#abort.abort();
  }

  /** The blobs have found their place. */
  forget(): void {
    for (const digest of this.#work.keys()) forgetPartial(this.#ctx.paths, digest);
  }

  dispose(): void {
    this.#sign.end();
    for (const { path } of this.#work.values()) rmSync(path, { force: true });
  }
}
