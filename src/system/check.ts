/** `system check`: whether everything recorded is there and whole, and whether everything there is recorded. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { errnoCode } from "../base/index.ts";
import { dropStrayRunDirs, presentContainers, removeContainer } from "../container/index.ts";
import { jobRunner, removeImages } from "../image/index.ts";
import type { ContainerRecord, Context } from "../state/index.ts";
import { findLeftovers, lockShared, sweepStore, tryLockAlone } from "../storage/index.ts";
import { dropEmptyVolume, isEmptyVolume, volumesDir } from "../volume/index.ts";
import { ImageChecker, type ImageCheckOptions } from "./check-images.ts";

export interface CheckOptions extends ImageCheckOptions {
  /** With `repair`: images that cannot be mended are removed, together with the containers that use them. */
  readonly force: boolean;
}

export interface Finding {
  /** `image ID`, `layer DIGEST`, `container ID`, … */
  readonly object: string;
  readonly problem: string;
  readonly repaired: boolean;
}

/** Everything that is wrong; with `repair` also what could be done about it. */
export async function checkStore(ctx: Context, options: CheckOptions): Promise<Finding[]> {
  const checker = new Checker(ctx, options);
  const lock = await lockShared(ctx.paths);
  try {
    checker.database();
    await checker.images();
    for (const container of presentContainers(ctx)) checker.container(container);
    checker.volumes();
  } finally {
    lock.release();
  }
  await checker.tidy();
  return checker.findings;
}

class Checker {
  readonly #ctx: Context;
  readonly #options: CheckOptions;
  readonly #images: ImageChecker;
  readonly #others: Finding[] = [];

  constructor(ctx: Context, options: CheckOptions) {
    this.#ctx = ctx;
    this.#options = options;
    this.#images = new ImageChecker(ctx, options);
  }

  get findings(): Finding[] {
    return [...this.#images.damages.all, ...this.#others];
  }

  database(): void {
    const { integrity } = this.#ctx.state;
    const { repair } = this.#options;
    for (const problem of integrity.problems()) this.#add("database", problem, false);
    const dangling = integrity.dangling();
    if (repair && dangling.length > 0) integrity.dropDangling();
    for (const { table, count } of dangling)
      this.#add("database", `${count} rows of ${table} belong to nothing`, repair);
  }

  async images(): Promise<void> {
    for (const image of this.#ctx.state.images.list()) await this.#images.examine(image);
    if (this.#options.repair) await this.#images.mend();
  }

  container({ id, config }: ContainerRecord): void {
    if (config.image !== "" && this.#ctx.state.images.get(config.image) === undefined)
      this.#add(`container ${id.slice(0, 12)}`, "image missing", false);
  }

  /** Data is never thrown away: a directory without a record becomes a volume again, unless there is nothing in it. */
  volumes(): void {
    const ctx = this.#ctx;
    for (const name of names(volumesDir(ctx))) {
      if (!this.#isUnrecorded(name)) continue;
      // Whoever makes one does it in a transaction: what is still so in one is not somebody's work.
      ctx.state.transaction(() => {
        if (this.#isUnrecorded(name)) this.#unrecorded(name);
      });
    }
    for (const { name, mountpoint } of ctx.state.volumes.list())
      if (!existsSync(mountpoint)) this.#add(`volume ${name}`, "its directory is missing", false);
  }

  #isUnrecorded(name: string): boolean {
    const ctx = this.#ctx;
    return ctx.state.volumes.get(name) === undefined && existsSync(join(volumesDir(ctx), name, "_data"));
  }

  #unrecorded(name: string): void {
    const ctx = this.#ctx;
    const { repair } = this.#options;
    const directory = join(volumesDir(ctx), name);
    const mountpoint = join(directory, "_data");
    if (isEmptyVolume({ mountpoint })) {
      const isGone = repair && dropEmptyVolume(directory);
      this.#add(`volume ${name}`, "an empty directory without a record", isGone);
      return;
    }
    if (repair) {
      const common = { created: Date.now(), driver: "local", labels: {}, options: {}, anonymous: false };
      ctx.state.volumes.create({ name, mountpoint, ...common });
    }
    this.#add(`volume ${name}`, "its record is missing", repair);
  }

  /** Losing an image is for the user to decide: loading or pulling it again makes it whole where that is possible. */
  async tidy(): Promise<void> {
    const { repair, force } = this.#options;
    if (repair && force) {
      for (const id of this.#images.broken) await this.#removeImage(id);
      await this.#removeImageless();
    }
    const found = await this.#leftovers();
    if (repair) await sweepStore(this.#ctx, jobRunner(this.#ctx));
    if (repair) dropStrayRunDirs(this.#ctx);
    const left = new Set((repair ? await this.#leftovers() : found).map(({ object }) => object));
    for (const { object, problem } of found) this.#add(object, problem, !left.has(object));
  }

  /** While others are at work, what they have under way looks like what somebody left: nothing is said then. */
  async #leftovers(): Promise<{ readonly object: string; readonly problem: string }[]> {
    const alone = await tryLockAlone(this.#ctx.paths);
    if (alone === undefined) return [];
    const found = findLeftovers(this.#ctx);
    alone.release();
    const kinds: readonly (readonly [string, string, readonly string[]])[] = [
      ["layer", "layer in lower level storage driver not accounted for", found.layers],
      ["layer", "layer not referenced by any image", found.unused.map(({ diffId }) => diffId.slice(7, 19))],
      ["blob", "not referenced by any image", found.blobs.map((digest) => digest.slice(7, 19))],
      ["container", "files of no container", found.containers.map((id) => id.slice(0, 12))],
      ["tmp", "left by a process that was killed", found.temporary],
    ];
    return kinds.flatMap(([kind, problem, names]) =>
      names.map((name) => ({ object: `${kind} ${name}`, problem })),
    );
  }

  async #removeImage(id: string): Promise<void> {
    const { containers } = this.#ctx.state;
    const report = await removeImages(this.#ctx, [id], {
      force: true,
      noPrune: true,
      removeContainer: async (container) => {
        const record = containers.get(container);
        if (record !== undefined) await removeContainer(this.#ctx, record, { force: true });
      },
    });
    if (report.deleted.includes(id)) this.#images.damages.settle(id);
  }

  async #removeImageless(): Promise<void> {
    for (const record of presentContainers(this.#ctx)) {
      if (record.config.image === "" || this.#ctx.state.images.get(record.config.image) !== undefined)
        continue;
      await removeContainer(this.#ctx, record, { force: true });
      this.#mark(`container ${record.id.slice(0, 12)}`);
    }
  }

  #mark(object: string): void {
    for (const [index, finding] of this.#others.entries())
      if (finding.object === object) this.#others[index] = { ...finding, repaired: true };
  }

  #add(object: string, problem: string, repaired: boolean): void {
    this.#others.push({ object, problem, repaired });
  }
}

function names(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return [];
    throw error;
  }
}
