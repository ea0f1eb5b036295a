/** What is wrong with images, each thing once, whichever of them share it. */
import { existsSync, renameSync, rmSync } from "node:fs";
import type { BlobStore, LayerFinding } from "../storage/index.ts";

export interface Damage {
  readonly object: string;
  readonly problem: string;
  repaired: boolean;
  /** IDs. */
  readonly images: Set<string>;
  /** Files that are worth nothing any more, and stand in the way of good ones. */
  readonly obstacles: readonly string[];
  /** Looks for it, mending what can be mended from what is here. */
  look(): Promise<LayerFinding | undefined>;
}

export class Damages {
  readonly #sound = new Set<string>();
  readonly #found = new Map<string, Damage>();

  get all(): Damage[] {
    return [...this.#found.values()];
  }

  /** What is not mended. */
  get open(): Damage[] {
    return this.all.filter(({ repaired }) => !repaired);
  }

  get(key: string): Damage | undefined {
    return this.#found.get(key);
  }

  isSound(key: string): boolean {
    return this.#sound.has(key);
  }

  /** Looks at something unless that was done already. @param image whose it is */
  async look(
    key: string,
    image: string,
    thing: Pick<Damage, "object" | "obstacles" | "look">,
  ): Promise<void> {
    if (this.#sound.has(key)) return;
    const known = this.#found.get(key);
    if (known !== undefined) return void known.images.add(image);
    const found = await thing.look();
    if (found === undefined) this.#sound.add(key);
    else this.#found.set(key, { ...thing, ...found, images: new Set([image]) });
  }

  async lookAgain(image: string): Promise<void> {
    for (const damage of this.#of(image)) {
      const found = await damage.look();
      damage.repaired = found === undefined || found.repaired;
    }
  }

  /** What was found sound shall be looked at once more. */
  doubt(key: string): void {
    this.#sound.delete(key);
  }

  /** During `action` what is damaged of an image is out of the way; it comes back if nothing better has come. */
  async aside(image: string, blobs: BlobStore, action: () => Promise<unknown>): Promise<void> {
    const paths = this.#of(image).flatMap(({ obstacles }) => obstacles);
    const moved = paths
      .filter((path) => existsSync(path))
      .map((path) => ({ path, kept: blobs.temporary("blob") }));
    for (const { path, kept } of moved) renameSync(path, kept);
    try {
      await action();
    } finally {
      for (const { path, kept } of moved)
        if (existsSync(path)) rmSync(kept);
        else renameSync(kept, path);
    }
  }

  #of(image: string): Damage[] {
    return this.open.filter(({ images }) => images.has(image));
  }

  /** An image that is gone has no damage any more, nor has what only it had. */
  settle(image: string): void {
    for (const damage of this.all)
      if (damage.images.delete(image) && damage.images.size === 0) damage.repaired = true;
  }
}
