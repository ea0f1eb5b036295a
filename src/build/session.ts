/** What all steps of one build share: the store, the cache, and how many may work at once. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { KelpError, randomHex, sha256Hex } from "../base/index.ts";
import { driverName, removeTrees } from "../container/index.ts";
import { tempDir } from "../host/index.ts";
import { type CachedLayer, jobRunner, platformName, type StepCache } from "../image/index.ts";
import type { Digest, Platform } from "../oci/index.ts";
import type { BuildCacheEntry, Context, LayerRecord } from "../state/index.ts";
import { layerDir, type RunInside, type StoredLayer } from "../storage/index.ts";
import type { BuildContext } from "./context/open.ts";
import { type ContextPlace, openPlace } from "./context/place.ts";
import type { Dockerfile } from "./dockerfile/parse.ts";
import { readSecrets, type Secrets } from "./steps/mount-secret.ts";
import type { BuildRequest, Reporter } from "./types.ts";
import type { BuildArgs } from "./variables.ts";

/** Part of every key: raised when the same step comes to mean something else. */
const CACHE_VERSION = 1;

export interface LayerStep {
  /** Absent: the step changed no file. */
  readonly layer: StoredLayer | undefined;
  readonly created: number;
  readonly cached: boolean;
}

export interface StepWork {
  /** A digest of all that the step depends on. */
  readonly key: string;
  /** For people who look at the cache. */
  readonly note: string;
  readonly below: readonly StoredLayer[];
  /** Undefined: it changed no file. */
  make(): Promise<StoredLayer | undefined>;
  /** Asked afterwards: whether the key still says what was used; otherwise nothing is remembered. */
  holds?(): boolean;
}

export interface SessionParts {
  readonly ctx: Context;
  readonly request: BuildRequest;
  readonly reporter: Reporter;
  readonly file: Dockerfile;
  readonly context: BuildContext;
  readonly args: BuildArgs;
  readonly platform: Platform | undefined;
  readonly remote: StepCache | undefined;
}

export class Session {
  readonly ctx: Context;
  readonly request: BuildRequest;
  readonly reporter: Reporter;
  readonly file: Dockerfile;
  readonly context: BuildContext;
  readonly args: BuildArgs;
  /** What the image is for; absent: this machine's. */
  readonly platform: Platform | undefined;
  readonly run: RunInside;
  readonly driver: string;
  readonly secrets: Secrets;
  /** Containers of steps that are running. */
  readonly running = new Set<string>();
  readonly #inFlight = new Map<string, Promise<LayerStep>>();
  readonly #remote: StepCache | undefined;
  /** Every step that has a layer, by its key. */
  readonly #steps = new Map<string, CachedLayer>();
  readonly #used: BuildCacheEntry[] = [];
  readonly #places = new Map<string, Promise<ContextPlace>>();
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(parts: SessionParts) {
    this.ctx = parts.ctx;
    this.request = parts.request;
    this.reporter = parts.reporter;
    this.file = parts.file;
    this.context = parts.context;
    this.args = parts.args;
    this.platform = parts.platform;
    this.#remote = parts.remote;
    this.run = jobRunner(parts.ctx);
    this.secrets = readSecrets(parts.request);
    this.driver = driverName(parts.ctx);
    this.#free = Math.max(1, parts.request.jobs);
  }

  /** `OS/ARCH[/VARIANT]` in front of a step's line, where several are built. */
  get shownPlatform(): string | undefined {
    return this.request.platforms.length > 1 && this.platform !== undefined
      ? platformName(this.platform)
      : undefined;
  }

  /** The key of a step that depends on exactly these things. */
  key(...parts: readonly unknown[]): string {
    return sha256Hex(JSON.stringify([CACHE_VERSION, this.request.timestamp ?? null, ...parts]));
  }

  /**
   * The layer of a step: from the cache, from another stage of this build that makes the same one right now, from a cache
   * in a registry, or made. Only what was made whole is remembered.
   */
  layerStep(work: StepWork): Promise<LayerStep> {
    const flying = this.#inFlight.get(work.key);
    if (flying !== undefined) return flying.then((step) => ({ ...step, cached: true }));
    const step = this.#layerStep(work);
    this.#inFlight.set(work.key, step);
    return step;
  }

  async #layerStep(work: StepWork): Promise<LayerStep> {
    const step = this.lookup(work.key) ?? (await this.#fetched(work)) ?? (await this.#made(work));
    const { layer, created } = step;
    if (layer !== undefined) this.#steps.set(work.key, { layer, created });
    return step;
  }

  async #fetched(work: StepWork): Promise<LayerStep | undefined> {
    if (!this.request.useCache || this.#remote === undefined) return undefined;
    const remote = this.#remote;
    const found = await this.limited(() => remote.find(work.key, work.below));
    if (found === undefined) return undefined;
    this.#remember(work, found.layer, found.created);
    return { ...found, cached: true };
  }

  async #made(work: StepWork): Promise<LayerStep> {
    const layer = await this.limited(work.make);
    const created = Date.now();
    if (work.holds?.() ?? true) this.#remember(work, layer, created);
    return { layer, created, cached: false };
  }

  #remember({ key, note }: StepWork, layer: StoredLayer | undefined, created: number): void {
    const { buildCache } = this.ctx.state;
    if (!this.request.useCache || this.request.cacheTtl !== undefined) buildCache.remove([key]);
    const row = layer === undefined ? {} : { layer: layer.record.row };
    buildCache.put({ key, ...row, blobSize: layer?.blobSize ?? 0, created, used: Date.now(), note });
  }

  /** What the cache has, if all of it is still there. */
  lookup(key: string): LayerStep | undefined {
    const { useCache, cacheTtl = Number.POSITIVE_INFINITY } = this.request;
    const entry = useCache ? this.ctx.state.buildCache.get(key) : undefined;
    if (entry === undefined || entry.created < Date.now() - cacheTtl) return undefined;
    const record = entry.layer === undefined ? undefined : this.ctx.state.layers.get(entry.layer);
    if (
      entry.layer !== undefined &&
      (record === undefined || !existsSync(layerDir(this.ctx.paths, entry.layer)))
    )
      return undefined;
    this.#used.push(entry);
    const layer = record === undefined ? undefined : cachedLayer(record, entry.blobSize);
    return { layer, created: entry.created, cached: true };
  }

  /** When something that takes no layer was first made: the same answer for every build of it. */
  firstMade(key: string, note: string): number {
    const known = this.lookup(key);
    if (known !== undefined) return known.created;
    const now = Date.now();
    if (!this.request.useCache) this.ctx.state.buildCache.remove([key]);
    return this.ctx.state.buildCache.put({ key, blobSize: 0, created: now, used: now, note }).created;
  }

  /** Waits until one more step may work. */
  async limited<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free--;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  /** @throws {KelpError} `interrupted` */
  checkInterrupted(): void {
    if (this.request.signal?.aborted === true)
      throw new KelpError("interrupted", "the build was interrupted", { exitCode: 130 });
  }

  /** A directory for one step, removed after it; on the filesystem of the layers. */
  async scratch<T>(work: (dir: string) => Promise<T>): Promise<T> {
    const dir = join(tempDir(this.ctx.paths), `build-${randomHex(6)}`);
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    try {
      return await work(dir);
    } finally {
      await removeTrees(this.ctx, [dir]);
    }
  }

  /** The directory of a named context: local, or fetched once. */
  async namedDirectory(source: string): Promise<string> {
    const known = this.#places.get(source) ?? openPlace(this.ctx, { ...this.request, context: source });
    this.#places.set(source, known);
    return (await known).directory;
  }

  async closePlaces(): Promise<void> {
    for (const place of await Promise.allSettled(this.#places.values()))
      if (place.status === "fulfilled") await place.value.close();
  }

  /** Notes that the cache was of use, and gives others what this build has. */
  async end(): Promise<void> {
    this.ctx.state.buildCache.touch(this.#used);
    await this.#remote?.put(this.#steps);
  }
}

function cachedLayer(record: LayerRecord, blobSize: number): StoredLayer {
  const diffId = record.diffId as Digest;
  return { record, diffId, blob: diffId, blobSize, compression: "none", ownersDropped: false };
}
