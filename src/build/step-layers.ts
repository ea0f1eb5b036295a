/** The layers of a build's steps: known, under way, or to be made; and how many steps may work at once. */
import { existsSync } from "node:fs";
import type { CachedLayer, StepCache } from "../image/index.ts";
import type { Digest } from "../oci/index.ts";
import type { BuildCacheEntry, Context, LayerRecord } from "../state/index.ts";
import { layerDir, type StoredLayer } from "../storage/index.ts";
import type { BuildRequest } from "./types.ts";

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

/** One for a whole build: what two platforms do alike is done once. */
export class StepLayers {
  readonly #ctx: Context;
  readonly #request: BuildRequest;
  readonly #remote: StepCache | undefined;
  readonly #inFlight = new Map<string, Promise<LayerStep>>();
  /** Every step that has a layer, by its key. */
  readonly #steps = new Map<string, CachedLayer>();
  readonly #used: BuildCacheEntry[] = [];
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(ctx: Context, request: BuildRequest, remote: StepCache | undefined) {
    this.#ctx = ctx;
    this.#request = request;
    this.#remote = remote;
    this.#free = Math.max(1, request.jobs);
  }

  /**
   * The layer of a step: from the cache, from another stage or platform of this build that makes the same one right now, from a cache
   * in a registry, or made. Only what was made whole is remembered.
   */
  layer(work: StepWork): Promise<LayerStep> {
    const flying = this.#inFlight.get(work.key);
    if (flying !== undefined) return flying.then((step) => ({ ...step, cached: true }));
    const step = this.#found(work);
    this.#inFlight.set(work.key, step);
    return step;
  }

  async #found(work: StepWork): Promise<LayerStep> {
    const step = this.#lookup(work.key) ?? (await this.#fetched(work)) ?? (await this.#made(work));
    const { layer, created } = step;
    if (layer !== undefined) this.#steps.set(work.key, { layer, created });
    return step;
  }

  async #fetched(work: StepWork): Promise<LayerStep | undefined> {
    if (!this.#request.useCache || this.#remote === undefined) return undefined;
    const remote = this.#remote;
    const found = await this.#limited(() => remote.find(work.key, work.below));
    if (found === undefined) return undefined;
    this.#remember(work, found.layer, found.created);
    return { ...found, cached: true };
  }

  async #made(work: StepWork): Promise<LayerStep> {
    const layer = await this.#limited(work.make);
    const created = Date.now();
    if (work.holds?.() ?? true) this.#remember(work, layer, created);
    return { layer, created, cached: false };
  }

  #remember({ key, note }: StepWork, layer: StoredLayer | undefined, created: number): void {
    const { buildCache } = this.#ctx.state;
    if (!this.#request.useCache || this.#request.cacheTtl !== undefined) buildCache.remove([key]);
    const row = layer === undefined ? {} : { layer: layer.record.row };
    buildCache.put({ key, ...row, blobSize: layer?.blobSize ?? 0, created, used: Date.now(), note });
  }

  /** What the cache has, if all of it is still there. */
  #lookup(key: string): LayerStep | undefined {
    const { useCache, cacheTtl = Number.POSITIVE_INFINITY } = this.#request;
    const entry = useCache ? this.#ctx.state.buildCache.get(key) : undefined;
    if (entry === undefined || entry.created < Date.now() - cacheTtl) return undefined;
    const record = entry.layer === undefined ? undefined : this.#ctx.state.layers.get(entry.layer);
    if (
      entry.layer !== undefined &&
      (record === undefined || !existsSync(layerDir(this.#ctx.paths, entry.layer)))
    )
      return undefined;
    this.#used.push(entry);
    const layer = record === undefined ? undefined : cachedLayer(record, entry.blobSize);
    return { layer, created: entry.created, cached: true };
  }

  /** When something that takes no layer was first made: the same answer for every build of it. */
  firstMade(key: string, note: string): number {
    const known = this.#lookup(key);
    if (known !== undefined) return known.created;
    const now = Date.now();
    if (!this.#request.useCache) this.#ctx.state.buildCache.remove([key]);
    return this.#ctx.state.buildCache.put({ key, blobSize: 0, created: now, used: now, note }).created;
  }

  /** Waits until one more step may work. */
  async #limited<T>(work: () => Promise<T>): Promise<T> {
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

  /** Notes that the cache was of use, and gives others what this build has. */
  async end(): Promise<void> {
    this.#ctx.state.buildCache.touch(this.#used);
    await this.#remote?.put(this.#steps);
  }
}

function cachedLayer(record: LayerRecord, blobSize: number): StoredLayer {
  const diffId = record.diffId as Digest;
  return { record, diffId, blob: diffId, blobSize, compression: "none", ownersDropped: false };
}
