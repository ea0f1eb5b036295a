/** Whether images are whole: their documents, the stored forms of their layers, and the unpacked layers. */
import { existsSync } from "node:fs";
import { KelpError } from "../base/index.ts";
import { isLive, presentContainers, statusOf } from "../container/index.ts";
import { imageManifest, imageMending, jobRunner, type PullOptions } from "../image/index.ts";
import type { Descriptor, Digest } from "../oci/index.ts";
import type { Context, ImageRecord, LayerRecord } from "../state/index.ts";
import {
  type BlobDamage,
  BlobStore,
  checkLayer,
  type LayerFinding,
  layerDir,
  recordingPath,
} from "../storage/index.ts";
import { type Damage, Damages } from "./damages.ts";

export interface ImageCheckOptions {
  /** Do not read the content of blobs and layers. */
  readonly quick: boolean;
  readonly repair: boolean;
  /** How to reach the registries images came from; absent: they are not asked. */
  readonly fetch?: PullOptions | undefined;
}

const BLOB_WORDS: Readonly<Record<BlobDamage, string>> = {
  missing: "is missing",
  size: "has incorrect size",
  digest: "has incorrect digest",
};

/** Examines images one after the other; what they share is looked at once. */
export class ImageChecker {
  readonly #ctx: Context;
  readonly #options: ImageCheckOptions;
  readonly #blobs: BlobStore;
  readonly damages = new Damages();

  constructor(ctx: Context, options: ImageCheckOptions) {
    this.#ctx = ctx;
    this.#options = options;
    this.#blobs = new BlobStore(ctx.paths);
  }

  /** Images that stay damaged. */
  get broken(): Set<string> {
    return new Set(this.damages.open.flatMap(({ images }) => [...images]));
  }

  async examine(image: ImageRecord): Promise<void> {
    const object = `image ${image.id.slice(0, 12)}`;
    const digest = image.manifestDigest as Digest;
    await this.damages.look(`config ${image.id}`, image.id, {
      object,
      obstacles: [],
      look: () => this.#config(image),
    });
    await this.damages.look(`blob ${digest}`, image.id, {
      object,
      obstacles: [this.#blobs.path(digest)],
      look: () => this.#document(digest),
    });
    const forms = this.#forms(image);
    for (const [index, row] of image.layers.entries()) {
      const record = this.#ctx.state.layers.get(row);
      if (record === undefined) {
        await this.damages.look(`row ${row}`, image.id, {
          object: `layer ${row}`,
          obstacles: [],
          look: () => this.#rows(image.id),
        });
      } else await this.#layer(image, index, record, forms?.[index]);
    }
  }

  /** What the manifest names; undefined for one that cannot be read, and for an index, which has no layers. */
  #forms(image: ImageRecord): readonly Descriptor[] | undefined {
    if (image.layers.length === 0) return undefined;
    try {
      return imageManifest(this.#ctx, image).manifest.layers;
    } catch {
      return undefined;
    }
  }

  async #layer(
    image: ImageRecord,
    index: number,
    record: LayerRecord,
    form: Descriptor | undefined,
  ): Promise<void> {
    const { paths } = this.#ctx;
    const object = `layer ${record.diffId.slice(7, 19)}`;
    if (form !== undefined) {
      await this.damages.look(`blob ${form.digest}`, image.id, {
        object,
        obstacles: [this.#blobs.path(form.digest)],
        look: async () => this.#form(record, form),
      });
    }
    await this.damages.look(`tree ${record.row}`, image.id, {
      object,
      obstacles: [recordingPath(paths, record.row)],
      look: () => this.#tree(image, index, record, form?.digest),
    });
  }

  /** The config is in the database as well, so that it can be written again. */
  async #config(image: ImageRecord): Promise<LayerFinding | undefined> {
    const digest = `sha256:${image.id}` as Digest;
    const damage = this.#blobs.damage(digest);
    if (damage === undefined) return undefined;
    const repaired = this.#options.repair && this.#blobs.put(Buffer.from(image.configJson)) === digest;
    if (repaired) this.#blobs.sync();
    return { problem: `image data item ${BLOB_WORDS[damage]}: ${digest}`, repaired };
  }

  async #document(digest: string): Promise<LayerFinding | undefined> {
    const damage = this.#blobs.damage(digest as Digest);
    if (damage === undefined) return undefined;
    return { problem: `image data item ${BLOB_WORDS[damage]}: ${digest}`, repaired: false };
  }

  async #rows(id: string): Promise<LayerFinding | undefined> {
    const { images, layers } = this.#ctx.state;
    const whole = images.get(id)?.layers.every((row) => layers.get(row) !== undefined);
    return whole === true ? undefined : { problem: "image layer is missing", repaired: false };
  }

  /** What a layer was stored as; a plain one need not be there if it can be written out. */
  #form(record: LayerRecord, { digest, size }: Descriptor): LayerFinding | undefined {
    const damage = this.#blobs.damage(digest, { size, quick: this.#options.quick });
    if (damage === undefined) return undefined;
    const recorded = existsSync(recordingPath(this.#ctx.paths, record.row));
    const made =
      digest === record.diffId && (recorded || this.#soundForm([record.blob as Digest]) !== undefined);
    if (damage === "missing" && made) return undefined;
    return { problem: `layer data item ${BLOB_WORDS[damage]}: ${digest}`, repaired: false };
  }

  #tree(
    image: ImageRecord,
    index: number,
    record: LayerRecord,
    form: Digest | undefined,
  ): Promise<LayerFinding | undefined> {
    const { quick, repair } = this.#options;
    const inUse = repair && this.#isRunning(record.row);
    const lower = image.layers.slice(0, index).reverse();
    return this.#advised(
      inUse,
      checkLayer(this.#ctx, jobRunner(this.#ctx), record, {
        content: !quick,
        repair: repair && !inUse,
        lower: lower.map((below) => layerDir(this.#ctx.paths, below)),
        blob: this.#soundForm([form, record.blob as Digest | undefined, record.diffId as Digest]),
      }),
    );
  }

  async #advised(
    inUse: boolean,
    found: Promise<LayerFinding | undefined>,
  ): Promise<LayerFinding | undefined> {
    const finding = await found;
    if (finding === undefined || !inUse) return finding;
    return {
      ...finding,
      problem: `${finding.problem} (stop the containers that run on it to have it mended)`,
    };
  }

  #soundForm(candidates: readonly (Digest | undefined)[]): Digest | undefined {
    return candidates.find(
      (digest) =>
        digest !== undefined &&
        (this.damages.isSound(`blob ${digest}`)
          ? this.#blobs.has(digest)
          : this.#blobs.damage(digest) === undefined),
    );
  }

  /** The files of a running container are not taken away from it. */
  #isRunning(row: number): boolean {
    const { images } = this.#ctx.state;
    return presentContainers(this.#ctx).some(
      (record) =>
        images.get(record.config.image)?.layers.includes(row) === true && isLive(statusOf(this.#ctx, record)),
    );
  }

  /** What could not be put right from what is here is asked for where it came from; a lost manifest can be made anew. */
  async mend(): Promise<void> {
    const { fetchManifest, pullAgain, remakeManifest } = await imageMending();
    const { fetch } = this.#options;
    if (fetch !== undefined) {
      // Only a manifest tells what else has to be there.
      await this.#forBroken((image) => this.#lostManifest(image) && fetchManifest(this.#ctx, image, fetch));
      await this.#forBroken((image) => pullAgain(this.#ctx, image, fetch));
    }
    await this.#forBroken(async (image) => {
      const damage = this.#lostManifest(image);
      if (damage) damage.repaired = await succeeds(() => remakeManifest(this.#ctx, image));
    });
  }

  async #forBroken(mend: (image: ImageRecord) => unknown): Promise<void> {
    const { images } = this.#ctx.state;
    for (const id of this.broken) {
      const image = images.get(id);
      if (image === undefined) continue;
      await this.damages.aside(id, this.#blobs, async () => mend(image));
      await this.damages.lookAgain(id);
      const mended = images.get(id) as ImageRecord;
      this.#distrust(mended);
      await this.examine(mended);
    }
  }

  #lostManifest(image: ImageRecord): Damage | false {
    const damage = this.damages.get(`blob ${image.manifestDigest}`);
    return damage !== undefined && !damage.repaired && image.layers.length > 0 && damage;
  }

  /** Trees there was nothing to compare with until now. */
  #distrust(image: ImageRecord): void {
    for (const [index, { digest }] of (this.#forms(image) ?? []).entries())
      if (this.damages.get(`blob ${digest}`)) this.damages.doubt(`tree ${image.layers[index]}`);
  }
}

/** False for a failure there are words for. */
async function succeeds(action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action();
    return true;
  } catch (error) {
    if (error instanceof KelpError) return false;
    throw error;
  }
}
