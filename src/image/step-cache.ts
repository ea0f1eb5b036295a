/**
 * Layers of build steps in a registry: each is an image of one layer, tagged with what the step depends on. Whoever builds
 * the same finds it there.
 */
import { openAsBlob, statSync } from "node:fs";
import { KelpError, RegistryError, UsageError } from "../base/index.ts";
import {
  type Descriptor,
  type Digest,
  dockerReference,
  type FullReference,
  layerType,
  MAX_CONFIG,
  MEDIA,
  parseImageConfig,
  parseManifest,
  parseReference,
  repository,
  sha256,
} from "../oci/index.ts";
import { type AccessOptions, RegistryAccess, type Repository } from "../registry/index.ts";
import type { Context } from "../state/index.ts";
import { BlobStore, type FileRange, forgetPartial, type StoredLayer } from "../storage/index.ts";
import { compressLayer } from "./compress.ts";
import { downloadBlob } from "./download.ts";
import { SILENT } from "./progress.ts";
import { Puller } from "./pull.ts";
import { storeOnTop } from "./restack.ts";
import { dropTemporary, type LayerFile, plainFile, plainLayers } from "./save-layers.ts";

export interface StepCacheOptions {
  /** Repositories, as typed. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly access: AccessOptions;
  readonly retries: number;
  readonly retryDelayMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** A cache that cannot be used is told of, and done without. */
  warn(text: string): void;
}

export interface CachedLayer {
  readonly layer: StoredLayer;
  /** Milliseconds. */
  readonly created: number;
}

export class StepCache {
  readonly #ctx: Context;
  readonly #options: StepCacheOptions;
  readonly #from: FullReference[];
  readonly #to: FullReference[];
  readonly #puller: Puller;
  readonly #access: RegistryAccess;
  /** Repositories that gave no answer. */
  readonly #silent = new Set<string>();

  private constructor(ctx: Context, options: StepCacheOptions, puller: Puller, access: RegistryAccess) {
    this.#ctx = ctx;
    this.#options = options;
    this.#from = options.from.map(cacheRepository);
    this.#to = options.to.map(cacheRepository);
    this.#puller = puller;
    this.#access = access;
  }

  static async open(ctx: Context, options: StepCacheOptions): Promise<StepCache> {
    const { access, retries, retryDelayMs, signal } = options;
    const puller = await Puller.open(ctx, { access, retries, retryDelayMs, signal, progress: SILENT });
    return new StepCache(ctx, options, puller, await RegistryAccess.open(ctx, access));
  }

  /** Fetches the layer of the step with that key, to lie on those `below`. The caller holds the store's lock shared. */
  async find(key: string, below: readonly StoredLayer[]): Promise<CachedLayer | undefined> {
    for (const place of this.#from) {
      const found = await this.#attempt(place, () => this.#fetch({ ...place, tag: key }, below));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #fetch(reference: FullReference, below: readonly StoredLayer[]): Promise<CachedLayer> {
    const { signal } = this.#options;
    const { source, top } = await this.#puller.findManifest(reference, (_, __, error) => error);
    const manifest = parseManifest(top.bytes, "manifest of a cached step");
    const bytes = await source.document(manifest.config, "config of a cached step", MAX_CONFIG, signal);
    const config = parseImageConfig(bytes, "config of a cached step");
    const [diffId] = config.diffIds;
    const [blob] = manifest.layers;
    if (diffId === undefined || blob === undefined || manifest.layers.length !== 1)
      throw new RegistryError("cache-invalid", "what is there is no step of a build");
    const layer = await this.#withPlain(source, blob, diffId, (file) =>
      storeOnTop(this.#ctx, below, { file, diffId }),
    );
    return { layer, created: Date.parse(config.created ?? "") || Date.now() };
  }

  /** Gives `work` the layer as it would be written out again: so it can be kept without a copy of its archive. */
  async #withPlain<T>(
    source: Repository,
    blob: Descriptor,
    diffId: Digest,
    work: (file: FileRange) => Promise<T>,
  ): Promise<T> {
    const ctx = this.#ctx;
    const { digest, size } = blob;
    const path = new BlobStore(ctx.paths).temporary("blob");
    const fetched = { path, size, digest, temporary: true };
    const signal = this.#options.signal ?? new AbortController().signal;
    try {
      await downloadBlob(ctx, { repository: source, blob, path, meter: SILENT.blob(digest, size), signal });
      const plain = await plainFile(ctx, fetched, diffId);
      try {
        return await work({ path: plain.path, offset: 0, size: plain.size });
      } finally {
        dropTemporary([plain]);
      }
    } finally {
      dropTemporary([fetched]);
      forgetPartial(ctx.paths, digest);
    }
  }

  /** Sends what is not there yet. */
  async put(steps: ReadonlyMap<string, CachedLayer>): Promise<void> {
    for (const place of this.#to)
      for (const [key, step] of steps)
        await this.#attempt(place, () => this.#send({ ...place, tag: key }, step));
  }

  async #send(target: FullReference, { layer, created }: CachedLayer): Promise<undefined> {
    const { signal } = this.#options;
    const repo = this.#access.pushTarget(target);
    const tag = target.tag as string;
    if (await repo.headManifest(tag, signal).catch(() => undefined)) return;
    const config = Buffer.from(
      JSON.stringify({
        created: new Date(created).toISOString(),
        architecture: "unknown",
        os: "linux",
        config: {},
        rootfs: { type: "layers", diff_ids: [layer.diffId] },
      }),
    );
    const sent = await this.#compressed(layer);
    try {
      const document = {
        schemaVersion: 2,
        mediaType: MEDIA.ociManifest,
        config: { mediaType: MEDIA.ociConfig, digest: sha256(config), size: config.length },
        layers: [{ mediaType: layerType("zstd", false), digest: sent.digest, size: sent.size }],
      };
      const upload = async (digest: Digest, body: Blob) => {
        if (!(await repo.hasBlob(digest, signal)))
          await repo.upload({ digest, size: body.size, body }, signal);
      };
      await upload(sent.digest, await openAsBlob(sent.path));
      await upload(sha256(config), new Blob([config]));
      await repo.putManifest(tag, Buffer.from(JSON.stringify(document)), MEDIA.ociManifest, signal);
    } finally {
      dropTemporary([sent]);
    }
  }

  async #compressed({ record, diffId }: StoredLayer): Promise<LayerFile> {
    const made = await plainLayers(this.#ctx, [{ row: record.row, digest: diffId }]);
    const path = made.get(diffId) as string;
    const plain = { path, size: statSync(path).size, digest: diffId, temporary: true };
    try {
      return await compressLayer(this.#ctx, plain, "none", { to: "zstd" });
    } finally {
      dropTemporary([plain]);
    }
  }

  /** A step that is not there is no mistake; a place that does not answer is asked once. */
  async #attempt<T>(place: FullReference, action: () => Promise<T>): Promise<T | undefined> {
    const name = repository(place);
    if (this.#silent.has(name)) return undefined;
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof KelpError) || error.code === "interrupted") throw error;
      if (error.code === "registry-not-found") return undefined;
      this.#silent.add(name);
      this.#options.warn(`cannot use the cache in ${name}: ${error.message}`);
      return undefined;
    }
  }
}

/** `REPOSITORY`, or docker's `type=registry,ref=REPOSITORY`. @throws {UsageError} `cache-invalid` */
function cacheRepository(text: string): FullReference {
  const invalid = (reason: string) =>
    new UsageError("cache-invalid", `invalid cache ${JSON.stringify(text)}: ${reason}`, {
      hint: "name a repository of a registry: registry.example/team/cache",
    });
  const fields = new Map(
    text.split(",").map((field) => {
      const [key = "", value = ""] = field.split("=", 2);
      return [key, value] as const;
    }),
  );
  const type = text.includes("=") ? fields.get("type") : "registry";
  if (type !== "registry") throw invalid(`only caches in a registry are supported, not type=${type ?? ""}`);
  const reference = parseReference(text.includes("=") ? (fields.get("ref") ?? "") : text);
  if (reference.domain === undefined) throw invalid("it does not say which registry it is in");
  if (reference.tag !== undefined || reference.digest !== undefined)
    throw invalid("the repository must contain neither a tag nor digest");
  return dockerReference(reference);
}
