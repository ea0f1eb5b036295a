/** `push`: an image of the store into a registry; only what the registry has not yet is sent. */
import { openAsBlob } from "node:fs";
import { RegistryError, UsageError } from "../base/index.ts";
import {
  type Descriptor,
  type Digest,
  type FullReference,
  formatReference,
  isDockerType,
  type LayerCompression,
  repository,
  sha256,
} from "../oci/index.ts";
import {
  type AccessOptions,
  RegistryAccess,
  type Repository,
  TransientError,
  withRetry,
} from "../registry/index.ts";
import type { Context, ImageRecord } from "../state/index.ts";
import { BlobStore, lockShared } from "../storage/index.ts";
import { compressLayer } from "./compress.ts";
import { imageManifest } from "./documents.ts";
import { compressionOf, encodeManifest } from "./encode-manifest.ts";
import { type Progress, SILENT } from "./progress.ts";
import { retrySeconds } from "./pull.ts";
import { dropTemporary, type LayerFile, layersAsStored } from "./save-layers.ts";

export interface PushOptions {
  readonly access?: AccessOptions;
  /** Absent: the family the image came in. */
  readonly format?: "oci" | "docker" | undefined;
  /** Layers that are not compressed so are compressed anew; absent: plain ones with gzip, others stay. */
  readonly compression?: Exclude<LayerCompression, "none"> | undefined;
  readonly compressionLevel?: number | undefined;
  readonly retries: number;
  readonly retryDelayMs?: number | undefined;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
  /** The manifest goes under its digest, as a part of an index. */
  readonly byDigest?: boolean;
}

/** Blobs on their way at once. */
const PARALLEL = 4;
/** Repositories of the same registry that are asked for a blob before it is sent. */
const MOUNT_TRIES = 2;

/** What was put into a repository. */
export interface Pushed {
  readonly digest: Digest;
  readonly size: number;
  readonly mediaType: string;
}

/**
 * Sends the image and, last, its manifest under the name's tag.
 *
 * @throws {RegistryError | StorageError}
 */
export async function pushImage(
  ctx: Context,
  record: ImageRecord,
  target: FullReference,
  options: PushOptions,
): Promise<Pushed> {
  if (options.format === "docker" && options.compression === "zstd")
    throw new UsageError(
      "compression-format",
      "zstd compression needs the format oci: docker's manifests do not know it",
    );
  const access = await RegistryAccess.open(ctx, options.access);
  const { retries, retryDelayMs: delayMs, progress, signal } = options;
  const onRetry = (error: Error, pause: number, attempt: number) =>
    progress.warn(
      `Failed, retrying in ${retrySeconds(pause)} ... (${attempt}/${retries}). Error: ${error.message}`,
    );
  if (options.byDigest !== true) progress.line("Getting image source signatures");
  const lock = await lockShared(ctx.paths);
  const prepared = await prepare(ctx, record, options).finally(() => lock.release());
  try {
    const repo = access.pushTarget(target);
    return await withRetry({ retries, delayMs, onRetry, signal }, () =>
      explained(target, () => new Sender(ctx, record, repo, target, options).send(prepared)),
    );
  } finally {
    dropTemporary(prepared.layers);
  }
}

interface Prepared {
  readonly layers: readonly LayerFile[];
  readonly config: Descriptor;
  readonly manifest: Buffer;
  readonly mediaType: string;
}

/** The layers as they will be sent, and the manifest that names them so; the image's own if nothing changes. */
async function prepare(ctx: Context, record: ImageRecord, options: PushOptions): Promise<Prepared> {
  const { manifest, bytes } = imageManifest(ctx, record);
  const stored = await layersAsStored(ctx, record, manifest);
  const layers: LayerFile[] = [];
  try {
    for (const layer of stored) layers.push(await inForm(ctx, layer, options));
  } catch (error) {
    dropTemporary([...stored, ...layers]);
    throw error;
  }
  dropTemporary(stored.filter((file) => !layers.includes(file)));
  const zstd = layers.some((layer) => compressionOf(layer) === "zstd");
  const docker =
    options.format === undefined ? isDockerType(manifest.mediaType) && !zstd : options.format === "docker";
  const same =
    docker === isDockerType(manifest.mediaType) && layers.every((layer, index) => layer === stored[index]);
  const document = same ? bytes : encodeManifest(manifest, layers, docker);
  const { mediaType } = JSON.parse(document.toString("utf8")) as { mediaType?: string };
  return { layers, config: manifest.config, manifest: document, mediaType: mediaType ?? manifest.mediaType };
}

/** Docker's manifests know no zstd. */
async function inForm(ctx: Context, layer: LayerFile, options: PushOptions): Promise<LayerFile> {
  const now = compressionOf(layer);
  const kept = now === "none" || (now === "zstd" && options.format === "docker") ? "gzip" : now;
  const wanted = options.compression ?? kept;
  if (now === wanted) return layer;
  return compressLayer(ctx, layer, now, { to: wanted, level: options.compressionLevel });
}

class Sender {
  readonly #ctx: Context;
  readonly #record: ImageRecord;
  readonly #repo: Repository;
  readonly #target: FullReference;
  readonly #options: PushOptions;

  constructor(
    ctx: Context,
    record: ImageRecord,
    repo: Repository,
    target: FullReference,
    options: PushOptions,
  ) {
    this.#ctx = ctx;
    this.#record = record;
    this.#repo = repo;
    this.#target = target;
    this.#options = options;
  }

  async send({ layers, config, manifest, mediaType }: Prepared): Promise<Pushed> {
    const { progress, signal } = this.#options;
    const queue = [...new Map(layers.map((layer) => [layer.digest, layer])).values()];
    const from = this.#siblings();
    const worker = async () => {
      for (let layer = queue.shift(); layer !== undefined; layer = queue.shift())
        await this.#blob(layer, layer.temporary ? [] : from, progress);
    };
    await Promise.all(Array.from({ length: PARALLEL }, worker));
    progress.line(`Copying config ${config.digest}`);
    const path = new BlobStore(this.#ctx.paths).path(config.digest);
    await this.#blob({ path, size: config.size, digest: config.digest, temporary: false }, [], SILENT);
    if (this.#options.byDigest !== true) progress.line("Writing manifest to image destination");
    const tag = this.#target.tag ?? this.#target.digest ?? "latest";
    const wanted = this.#options.byDigest === true ? sha256(manifest) : tag;
    const digest = await this.#repo.putManifest(wanted, manifest, mediaType, signal);
    return { digest, size: manifest.length, mediaType };
  }

  async #blob(file: LayerFile, from: readonly string[], progress: Progress): Promise<void> {
    const { signal } = this.#options;
    const meter = progress.blob(file.digest, file.size);
    if (await this.#exists(file.digest)) return meter.end("exists");
    for (const repo of from) {
      if (await this.#repo.mountBlob(file.digest, repo, signal)) return meter.end("exists");
    }
    const body = await openAsBlob(file.path);
    await this.#repo.upload({ digest: file.digest, size: file.size, body }, signal);
    meter.end("done");
  }

  async #exists(digest: Digest): Promise<boolean> {
    try {
      return await this.#repo.hasBlob(digest, this.#options.signal);
    } catch (error) {
      const where = repository(this.#target);
      throw prefixed(
        error,
        `trying to reuse blob ${digest} at destination: checking whether a blob ${digest} exists in ${where}: `,
      );
    }
  }

  /** Other repositories of the same registry that images of the same layers came from. */
  #siblings(): string[] {
    const { domain, path } = this.#target;
    const lowest = this.#record.layers[0];
    const found = new Set<string>();
    for (const image of this.#ctx.state.images.list()) {
      if (lowest === undefined || image.layers[0] !== lowest) continue;
      for (const name of image.repoDigests) {
        const repo = name.slice(0, name.lastIndexOf("@"));
        if (repo.startsWith(`${domain}/`)) found.add(repo.slice(domain.length + 1));
      }
    }
    found.delete(path);
    return [...found].slice(0, MOUNT_TRIES);
  }
}

export async function explained<T>(target: FullReference, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const prefix = `cannot push to docker://${formatReference(target)}: `;
    throw prefixed(error, prefix, `log in with \`kelp login ${target.domain}\``);
  }
}

/** The same error with more words in front; whether another attempt may mend it stays. */
function prefixed(error: unknown, prefix: string, loginHint?: string): unknown {
  if (error instanceof TransientError)
    return new TransientError(error.code, prefix + error.message, {
      cause: error,
      retryAfterMs: error.retryAfterMs,
    });
  if (!(error instanceof RegistryError)) return error;
  const hint = error.hint ?? (["unauthorized", "denied"].includes(error.code) ? loginHint : undefined);
  return new RegistryError(error.code, prefix + error.message, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
