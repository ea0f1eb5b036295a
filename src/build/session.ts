/** What all steps of one build share: the store, the cache, and how many may work at once. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { KelpError, randomHex, sha256Hex } from "../base/index.ts";
import { driverName, removeTrees } from "../container/index.ts";
import { tempDir } from "../host/index.ts";
import { jobRunner } from "../image/index.ts";
import type { Digest } from "../oci/index.ts";
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

export class Session {
  readonly ctx: Context;
  readonly request: BuildRequest;
  readonly reporter: Reporter;
  readonly file: Dockerfile;
  readonly context: BuildContext;
  readonly args: BuildArgs;
  readonly run: RunInside;
  readonly driver: string;
  readonly secrets: Secrets;
  /** Containers of steps that are running. */
  readonly running = new Set<string>();
  readonly #inFlight = new Map<string, Promise<LayerStep>>();
  readonly #used: BuildCacheEntry[] = [];
  readonly #places = new Map<string, Promise<ContextPlace>>();
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(parts: {
    readonly ctx: Context;
    readonly request: BuildRequest;
    readonly reporter: Reporter;
    readonly file: Dockerfile;
    readonly context: BuildContext;
    readonly args: BuildArgs;
  }) {
    this.ctx = parts.ctx;
    this.request = parts.request;
    this.reporter = parts.reporter;
    this.file = parts.file;
    this.context = parts.context;
    this.args = parts.args;
    this.run = jobRunner(parts.ctx);
    this.secrets = readSecrets(parts.request);
    this.driver = driverName(parts.ctx);
    this.#free = Math.max(1, parts.request.jobs);
  }

  /** The key of a step that depends on exactly these things. */
  key(...parts: readonly unknown[]): string {
    return sha256Hex(JSON.stringify([CACHE_VERSION, this.request.timestamp ?? null, ...parts]));
  }

  /**
   * The layer of a step: from the cache, from another stage of this build that makes the same one right now, or made by
   * `make`. Only what was made whole is remembered.
   *
   * @param holds asked afterwards: whether the key still says what was used; otherwise nothing is remembered
   */
  layerStep(
    key: string,
    note: string,
    make: () => Promise<StoredLayer | undefined>,
    holds: () => boolean = () => true,
  ): Promise<LayerStep> {
    const flying = this.#inFlight.get(key);
    if (flying !== undefined) return flying.then((step) => ({ ...step, cached: true }));
    const step = this.#layerStep(key, note, make, holds);
    this.#inFlight.set(key, step);
    return step;
  }

  async #layerStep(
    key: string,
    note: string,
    make: () => Promise<StoredLayer | undefined>,
    holds: () => boolean,
  ): Promise<LayerStep> {
    const known = this.lookup(key);
    if (known !== undefined) return known;
    const made = await this.limited(make);
    const now = Date.now();
    const { buildCache } = this.ctx.state;
    if (!this.request.useCache) buildCache.remove([key]);
    if (holds())
      buildCache.put({
        key,
        ...(made === undefined ? {} : { layer: made.record.row }),
        blobSize: made?.blobSize ?? 0,
        created: now,
        used: now,
        note,
      });
    return { layer: made, created: now, cached: false };
  }

  /** What the cache has, if all of it is still there. */
  lookup(key: string): LayerStep | undefined {
    const entry = this.request.useCache ? this.ctx.state.buildCache.get(key) : undefined;
    if (entry === undefined) return undefined;
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

  /** Notes that the cache was of use. */
  end(): void {
    this.ctx.state.buildCache.touch(this.#used);
  }
}

function cachedLayer(record: LayerRecord, blobSize: number): StoredLayer {
  const diffId = record.diffId as Digest;
  return { record, diffId, blob: diffId, blobSize, compression: "none", ownersDropped: false };
}
