/** `pull`: from a name to an image in the store, by way of mirrors, indexes and policies. */
import { RegistryError, StorageError } from "../base/index.ts";
import {
  type Descriptor,
  type Digest,
  type FullReference,
  formatReference,
  isIndexType,
  isManifestType,
  MAX_CONFIG,
  MAX_MANIFEST,
  type Platform,
  parseImageConfig,
  parseIndex,
  parseManifest,
  parseStrictJson,
  repository,
} from "../oci/index.ts";
import {
  type AccessOptions,
  checkPolicy,
  RegistryAccess,
  type RemoteManifest,
  type Repository,
  withRetry,
} from "../registry/index.ts";
import type { Context } from "../state/index.ts";
import { BlobStore, hasLeftovers, lockShared, sweepStore } from "../storage/index.ts";
import { jobRunner } from "./inside.ts";
import { requireManifest } from "./platform.ts";
import type { Progress } from "./progress.ts";
import { type ExplainError, sourceError } from "./pull-errors.ts";
import { withLayers } from "./pull-layers.ts";
import { type StoredImage, storeImage } from "./store-image.ts";

export interface PullOptions {
  readonly access?: AccessOptions;
  /** Absent: this machine's. */
  readonly platform?: Platform | undefined;
  /** `--signature-policy`. */
  readonly policyFile?: string | undefined;
  /** Further attempts when the network or the registry fails. */
  readonly retries: number;
  readonly retryDelayMs?: number | undefined;
  readonly progress: Progress;
  readonly signal?: AbortSignal | undefined;
}

export const MAX_NESTING = 4;

/** Pulls of one command: they share connections and what is known of registries. */
export class Puller {
  readonly access: RegistryAccess;
  readonly #ctx: Context;
  readonly #options: PullOptions;

  private constructor(ctx: Context, options: PullOptions, access: RegistryAccess) {
    this.#ctx = ctx;
    this.#options = options;
    this.access = access;
  }

  static async open(ctx: Context, options: PullOptions): Promise<Puller> {
    return new Puller(ctx, options, await RegistryAccess.open(ctx, options.access));
  }

  /**
   * Fetches the image of a full name and gives it that name, unless it was asked for by digest.
   *
   * @throws {RegistryError | StorageError} with nothing to be seen in the store; begun downloads are kept
   */
  async pull(reference: FullReference): Promise<StoredImage> {
    const { retries, retryDelayMs: delayMs, progress, signal } = this.#options;
    const onRetry = (error: Error, pause: number, attempt: number) =>
      progress.warn(
        `Failed, retrying in ${retrySeconds(pause)} ... (${attempt}/${retries}). Error: ${error.message}`,
      );
    try {
      return await withRetry({ retries, delayMs, onRetry, signal }, () => this.#attempt(reference));
    } finally {
      if (hasLeftovers(this.#ctx)) await sweepStore(this.#ctx, jobRunner(this.#ctx));
    }
  }

  async #attempt(reference: FullReference): Promise<StoredImage> {
    try {
      return await this.#once(reference);
    } catch (error) {
      // What an earlier download had left was damaged; it is gone now.
      if (error instanceof StorageError && error.code === "download-stale") return this.#once(reference);
      throw error;
    }
  }

  async #once(reference: FullReference): Promise<StoredImage> {
    const { progress, policyFile } = this.#options;
    checkPolicy(this.#ctx.paths, "docker", formatReference(reference), policyFile);
    const found = await this.findManifest(reference);
    progress.line("Getting image source signatures");
    const lock = await lockShared(this.#ctx.paths);
    try {
      return await this.#fetch(reference, found);
    } finally {
      lock.release();
    }
  }

  /** The digest the name stands for now; undefined if the registry does not say. */
  async remoteDigest(reference: FullReference): Promise<Digest | undefined> {
    const { source } = await this.#firstPlace(reference, async (source, wanted) => ({
      source: await source.headManifest(wanted, this.#options.signal),
    }));
    return source;
  }

  async tags(reference: FullReference): Promise<string[]> {
    return this.#firstPlace(reference, (source) => source.tags(this.#options.signal));
  }

  /** What the name stands for, index or manifest, and where it was found. */
  findManifest(reference: FullReference, explain: ExplainError = sourceError): Promise<FoundManifest> {
    const ask = async (source: Repository, wanted: string) => ({
      source,
      top: await source.manifest(wanted, this.#options.signal),
    });
    return this.#firstPlace(reference, ask, explain);
  }

  /** Asks mirrors and the registry in turn; the registry's own refusal is what is told. */
  async #firstPlace<T>(
    reference: FullReference,
    ask: (source: Repository, wanted: string) => Promise<T>,
    explain: ExplainError = sourceError,
  ): Promise<T> {
    const wanted = reference.digest ?? reference.tag ?? "latest";
    let failure: unknown;
    for (const place of this.access.places(reference)) {
      try {
        return await ask(this.access.repository(place), wanted);
      } catch (error) {
        if (error instanceof RegistryError && error.code === "interrupted") throw error;
        failure = error;
      }
    }
    throw explain(reference, wanted, failure);
  }

  async #fetch(reference: FullReference, { source, top }: FoundManifest): Promise<StoredImage> {
    const { progress, signal } = this.#options;
    const { manifest: document, indexes } = await this.#choose(reference, source, top);
    const what = `manifest of ${formatReference(reference)}`;
    const manifest = parseManifest(document.bytes, what);
    const bytes = await this.#config(source, manifest.config);
    const config = parseImageConfig(bytes, `config of ${formatReference(reference)}`);
    const blobs = new BlobStore(this.#ctx.paths);
    for (const index of indexes) blobs.put(index.bytes);
    const repo = repository(reference);
    const layers = { repository: source, manifest, config, progress, signal };
    const stored = await withLayers(this.#ctx, layers, (sources) =>
      storeImage(this.#ctx, {
        config: bytes,
        manifest: document.bytes,
        layers: sources,
        names: reference.digest === undefined ? [formatReference(reference)] : [],
        repoDigests: [...new Set([top.digest, document.digest])].map((digest) => `${repo}@${digest}`),
        digests: indexes.map(({ digest }) => digest),
      }),
    );
    progress.line(`Copying config ${manifest.config.digest}`);
    progress.line("Writing manifest to image destination");
    return stored;
  }

  #config(source: Repository, descriptor: Descriptor): Promise<Buffer> | Buffer {
    const blobs = new BlobStore(this.#ctx.paths);
    if (blobs.damage(descriptor.digest, { size: descriptor.size }) === undefined)
      return blobs.read(descriptor.digest);
    return source.document(descriptor, "image config", MAX_CONFIG, this.#options.signal);
  }

  /** From what the name stands for, through indexes, to one image's manifest. */
  async #choose(reference: FullReference, source: Repository, top: RemoteManifest): Promise<ChosenManifest> {
    const indexes: RemoteManifest[] = [];
    let manifest = top;
    for (let depth = 0; isIndexType(documentType(manifest)); depth++) {
      if (depth >= MAX_NESTING) throw tooDeep();
      indexes.push(manifest);
      const index = parseIndex(manifest.bytes, `index of ${formatReference(reference)}`);
      const chosen = requireManifest(index, formatReference(reference), this.#options.platform);
      manifest = await source.manifest(chosen.digest, this.#options.signal);
      if (manifest.bytes.length !== chosen.size)
        throw new StorageError(
          "digest-mismatch",
          `cannot use manifest ${chosen.digest}: it has ${manifest.bytes.length} bytes, the index promises ${chosen.size}`,
        );
    }
    return { manifest, indexes };
  }
}

export function tooDeep(): StorageError {
  return new StorageError("document-invalid", "cannot read index: indexes are nested too deep");
}

export interface FoundManifest {
  readonly source: Repository;
  readonly top: RemoteManifest;
}

interface ChosenManifest {
  readonly manifest: RemoteManifest;
  readonly indexes: readonly RemoteManifest[];
}

/** What a document says it is; a header that says otherwise is a trick. @throws {StorageError} */
export function documentType({ bytes, mediaType }: RemoteManifest): string {
  const said = (parseStrictJson(bytes, "manifest", MAX_MANIFEST) as { mediaType?: unknown } | null)
    ?.mediaType;
  const known = isManifestType(mediaType) || isIndexType(mediaType);
  if (typeof said !== "string" || said === "") {
    if (known) return mediaType;
    throw new StorageError(
      "document-invalid",
      `cannot read manifest: ${JSON.stringify(mediaType.slice(0, 120))} is not an image manifest`,
      {
        ...(mediaType.includes("manifest.v1")
          ? { hint: "images of docker's schema 1 are not supported; push it again with a newer tool" }
          : {}),
      },
    );
  }
  if (known && said !== mediaType)
    throw new StorageError(
      "document-invalid",
      `cannot read manifest: it says it is ${JSON.stringify(said.slice(0, 120))}, the registry says ${mediaType}`,
    );
  return said;
}

/** `1.5s`. */
export function retrySeconds(ms: number): string {
  return ms >= 1000 ? `${Math.round(ms / 100) / 10}s` : `${ms}ms`;
}
