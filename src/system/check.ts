/** `system check`: whether everything recorded is there and whole, and whether everything there is recorded. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { errnoCode, KelpError } from "../base/index.ts";
import { presentContainers, removeContainer, statusOf } from "../container/index.ts";
import { jobRunner, removeImages } from "../image/index.ts";
import type { Digest } from "../oci/index.ts";
import type { ContainerRecord, Context, ImageRecord } from "../state/index.ts";
import {
  BlobStore,
  checkLayer,
  findLeftovers,
  layerDir,
  lockShared,
  sweepStore,
  tryLockAlone,
} from "../storage/index.ts";
import { volumesDir } from "../volume/index.ts";

export interface CheckOptions {
  /** Do not read the content of layers. */
  readonly quick: boolean;
  readonly repair: boolean;
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
    for (const image of ctx.state.images.list()) await checker.image(image);
    for (const container of presentContainers(ctx)) checker.container(container);
    checker.volumes();
  } finally {
    lock.release();
  }
  // While others are at work, what they have under way looks like what somebody left.
  const alone = await tryLockAlone(ctx.paths);
  if (alone !== undefined) checker.leftovers();
  alone?.release();
  if (options.repair) await checker.tidy();
  return checker.findings;
}

class Checker {
  readonly findings: Finding[] = [];
  readonly #ctx: Context;
  readonly #options: CheckOptions;
  readonly #seen = new Set<number>();
  /** Layers that stay damaged, and why. */
  readonly #lost = new Map<number, string>();
  readonly #broken = new Set<string>();

  constructor(ctx: Context, options: CheckOptions) {
    this.#ctx = ctx;
    this.#options = options;
  }

  async image(image: ImageRecord): Promise<void> {
    const object = `image ${image.id.slice(0, 12)}`;
    this.#documents(image, object);
    for (const [index, row] of image.layers.entries()) {
      if (!this.#seen.has(row)) await this.#layer(image, row, index);
      if (this.#lost.has(row)) this.#broken.add(image.id);
    }
  }

  /** The config is in the database as well, so that it can be written again; the manifest is not. */
  #documents(image: ImageRecord, object: string): void {
    const blobs = new BlobStore(this.#ctx.paths);
    const config = this.#problemOf(blobs, `sha256:${image.id}` as Digest);
    if (config !== undefined) {
      if (this.#options.repair) {
        blobs.remove(`sha256:${image.id}` as Digest);
        blobs.put(Buffer.from(image.configJson));
        blobs.sync();
      }
      this.#add(object, `image data item ${config}`, this.#options.repair);
    }
    const manifest = this.#problemOf(blobs, image.manifestDigest as Digest);
    if (manifest === undefined) return;
    this.#broken.add(image.id);
    this.#add(object, `image data item ${manifest}`, false);
  }

  #problemOf(blobs: BlobStore, digest: Digest): string | undefined {
    try {
      blobs.read(digest);
      return undefined;
    } catch (error) {
      if (!(error instanceof KelpError)) throw error;
      return error.code === "blob-missing" ? `is missing: ${digest}` : `has incorrect digest: ${digest}`;
    }
  }

  async #layer(image: ImageRecord, row: number, index: number): Promise<void> {
    this.#seen.add(row);
    const ctx = this.#ctx;
    const record = ctx.state.layers.get(row);
    if (record === undefined) {
      this.#lost.set(row, "image layer is missing");
      this.#add(`layer ${row}`, "image layer is missing", false);
      return;
    }
    const inUse = this.#options.repair && this.#isRunning(row);
    const found = await checkLayer(ctx, jobRunner(ctx), record, {
      content: !this.#options.quick,
      repair: this.#options.repair && !inUse,
      lower: image.layers
        .slice(0, index)
        .reverse()
        .map((below) => layerDir(ctx.paths, below)),
    });
    if (found === undefined) return;
    if (!found.repaired) this.#lost.set(row, found.problem);
    const advice = inUse ? " (stop the containers that run on it to have it mended)" : "";
    this.#add(`layer ${record.diffId.slice(7, 19)}`, found.problem + advice, found.repaired);
  }

  /** The files of a running container are not taken away from it. */
  #isRunning(row: number): boolean {
    const { images } = this.#ctx.state;
    return presentContainers(this.#ctx).some(
      (record) =>
        images.get(record.config.image)?.layers.includes(row) === true &&
        statusOf(this.#ctx, record).state === "running",
    );
  }

  container({ id, config }: ContainerRecord): void {
    if (config.image !== "" && this.#ctx.state.images.get(config.image) === undefined)
      this.#add(`container ${id.slice(0, 12)}`, "image missing", false);
  }

  leftovers(): void {
    const found = findLeftovers(this.#ctx);
    const repaired = this.#options.repair;
    for (const name of found.layers)
      this.#add(`layer ${name}`, "layer in lower level storage driver not accounted for", repaired);
    for (const { diffId } of found.unused)
      this.#add(`layer ${diffId.slice(7, 19)}`, "layer not referenced by any image", repaired);
    for (const digest of found.blobs)
      this.#add(`blob ${digest.slice(7, 19)}`, "not referenced by any image", repaired);
    for (const id of found.containers)
      this.#add(`container ${id.slice(0, 12)}`, "files of no container", repaired);
    for (const name of found.temporary)
      this.#add(`tmp/${name}`, "left by a process that was killed", repaired);
  }

  /** Data is never thrown away: a directory without a record becomes a volume again. */
  volumes(): void {
    const ctx = this.#ctx;
    for (const name of names(volumesDir(ctx))) {
      const mountpoint = join(volumesDir(ctx), name, "_data");
      if (ctx.state.volumes.get(name) !== undefined || !existsSync(mountpoint)) continue;
      if (this.#options.repair) {
        const common = { created: Date.now(), driver: "local", labels: {}, options: {}, anonymous: false };
        ctx.state.volumes.create({ name, mountpoint, ...common });
      }
      this.#add(`volume ${name}`, "its record is missing", this.#options.repair);
    }
    for (const { name, mountpoint } of ctx.state.volumes.list())
      if (!existsSync(mountpoint)) this.#add(`volume ${name}`, "its directory is missing", false);
  }

  /** Losing an image is for the user to decide: loading or pulling it again makes it whole where that is possible. */
  async tidy(): Promise<void> {
    if (this.#options.force) {
      for (const id of this.#broken) await this.#removeImage(id);
      await this.#removeImageless();
    }
    await sweepStore(this.#ctx, jobRunner(this.#ctx));
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
    if (report.deleted.includes(id)) this.#settle(id);
  }

  async #removeImageless(): Promise<void> {
    for (const record of presentContainers(this.#ctx)) {
      if (record.config.image === "" || this.#ctx.state.images.get(record.config.image) !== undefined)
        continue;
      await removeContainer(this.#ctx, record, { force: true });
      this.#mark(`container ${record.id.slice(0, 12)}`);
    }
  }

  /** An image that is gone has no damage any more, nor have layers that went with it. */
  #settle(id: string): void {
    this.#mark(`image ${id.slice(0, 12)}`);
    for (const row of this.#lost.keys())
      if (this.#ctx.state.layers.references(row) === 0)
        this.#mark(`layer ${this.#ctx.state.layers.get(row)?.diffId.slice(7, 19) ?? row}`);
  }

  #mark(object: string): void {
    for (const [index, finding] of this.findings.entries())
      if (finding.object === object) this.findings[index] = { ...finding, repaired: true };
  }

  #add(object: string, problem: string, repaired: boolean): void {
    this.findings.push({ object, problem, repaired });
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
