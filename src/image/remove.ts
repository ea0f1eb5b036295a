/** `rmi` and `image prune`. */
import { ConflictError, NotFoundError } from "../base/index.ts";
import { type Context, type ImageRecord, writeEvent } from "../state/index.ts";
import { sweepStore } from "../storage/index.ts";
import { jobRunner } from "./inside.ts";
import { hasChildren, parentOf } from "./relations.ts";
import { findImage } from "./resolve.ts";

export interface RemoveOptions {
  /** Remove containers that use an image, and all names of one named by ID. */
  readonly force?: boolean;
  /** Names that are not known are no error. */
  readonly ignore?: boolean;
  /** Untagged images it was made from stay. */
  readonly noPrune?: boolean;
  /** Removes a container with all that belongs to it; needed with `force`. */
  readonly removeContainer?: (id: string) => Promise<void>;
}

export interface RemoveReport {
  readonly untagged: readonly string[];
  /** IDs. */
  readonly deleted: readonly string[];
  readonly errors: readonly Error[];
}

/** Removes images one after the other; what fails is reported and the others still go. */
export async function removeImages(
  ctx: Context,
  names: readonly string[],
  options: RemoveOptions = {},
): Promise<RemoveReport> {
  const remover = new Remover(ctx, options);
  for (const name of names) await remover.attempt(() => remover.byName(name));
  await remover.sweep();
  return remover.report;
}

/** Every image, those made from others first. */
export async function removeAllImages(ctx: Context, options: RemoveOptions = {}): Promise<RemoveReport> {
  const remover = new Remover(ctx, options);
  for (let left = ctx.state.images.list(), before = -1; left.length > 0 && left.length !== before; ) {
    before = left.length;
    remover.forgetErrors();
    const leaves = left.filter((image) => !hasChildren(image, left));
    for (const image of leaves) await remover.attempt(() => remover.wholly(image));
    left = ctx.state.images.list();
  }
  await remover.sweep();
  return remover.report;
}

/** The images `list` chose, with all their names; an image in use is passed over. Begun downloads go as well. */
export async function pruneImages(
  ctx: Context,
  chosen: (image: ImageRecord) => boolean,
): Promise<RemoveReport> {
  const remover = new Remover(ctx, { noPrune: true });
  for (let found = true; found; ) {
    found = false;
    const all = ctx.state.images.list();
    for (const image of all) {
      if (!chosen(image) || hasChildren(image, all) || ctx.state.containers.usingImage(image.id).length > 0)
        continue;
      found = (await remover.unlessUsed(image)) || found;
    }
  }
  await sweepStore(ctx, jobRunner(ctx), { downloads: true });
  return remover.report;
}

class Remover {
  readonly #ctx: Context;
  readonly #options: RemoveOptions;
  readonly #untagged: string[] = [];
  readonly #deleted: string[] = [];
  #errors: Error[] = [];

  constructor(ctx: Context, options: RemoveOptions) {
    this.#ctx = ctx;
    this.#options = options;
  }

  get report(): RemoveReport {
    return { untagged: this.#untagged, deleted: this.#deleted, errors: this.#errors };
  }

  forgetErrors(): void {
    this.#errors = [];
  }

  async attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      const ignored = error instanceof NotFoundError && this.#options.ignore === true;
      if (!ignored) this.#errors.push(error as Error);
    }
  }

  /** False if a container has been made of it, or a name given to it, meanwhile. */
  async unlessUsed(image: ImageRecord): Promise<boolean> {
    try {
      await this.wholly(image);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
    return this.#deleted.includes(image.id);
  }

  async byName(name: string): Promise<void> {
    const found = this.#find(name);
    const { record } = found;
    if (found.name?.includes("@") === true && record.names.length + record.repoDigests.length > 1) {
      this.#ctx.state.images.untag(found.name);
      this.#untagged.push(found.name);
      return;
    }
    if (found.name !== undefined && record.names.length > 1) {
      this.#untag(found.name, record.id);
      return;
    }
    if (found.name === undefined && record.names.length > 1 && this.#options.force !== true) {
      throw new ConflictError(
        "image-has-names",
        `unable to delete image ${JSON.stringify(record.id)} by ID with more than one tag ([${record.names.join(" ")}]): please force removal`,
      );
    }
    await this.wholly(record);
  }

  /** A full name that was had with a digest is only forgotten as such. */
  #find(name: string) {
    try {
      return findImage(this.#ctx, name);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      throw new NotFoundError(error.code, error.message, { exitCode: 1 });
    }
  }

  async wholly(image: ImageRecord): Promise<void> {
    const all = this.#ctx.state.images.list();
    if (hasChildren(image, all)) {
      for (const name of image.names) this.#untag(name, image.id);
      return;
    }
    await this.#freeFromContainers(image);
    const parent = this.#options.noPrune === true ? undefined : parentOf(image, all);
    this.#delete(image);
    if (parent !== undefined) await this.#prune(parent);
  }

  /** Looks once more with the database locked: a container may have been created of it meanwhile, or a name given to it. */
  #delete(image: ImageRecord): void {
    this.#ctx.state.transaction(() => {
      const user = this.#ctx.state.containers.usingImage(image.id)[0];
      if (user !== undefined) throw inUse(user.id);
      const { names = [] } = this.#ctx.state.images.get(image.id) ?? {};
      for (const name of image.names) this.#untag(name, image.id);
      if (names.some((name) => !image.names.includes(name))) return;
      if (!this.#ctx.state.images.remove(image.id)) return;
      this.#deleted.push(image.id);
      writeEvent(this.#ctx, { type: "image", status: "remove", id: image.id, name: image.id });
    });
  }

  /** An ancestor that only lived for its child goes with it. */
  async #prune(parent: ImageRecord): Promise<void> {
    const { containers, images } = this.#ctx.state;
    const unused = parent.names.length === 0 && containers.usingImage(parent.id).length === 0;
    if (unused && !hasChildren(parent, images.list())) await this.wholly(parent);
  }

  async #freeFromContainers(image: ImageRecord): Promise<void> {
    const users = this.#ctx.state.containers.usingImage(image.id);
    const first = users[0];
    if (first === undefined) return;
    const remove = this.#options.removeContainer;
    if (this.#options.force !== true || remove === undefined) {
      throw inUse(first.id);
    }
    for (const container of users) await remove(container.id);
  }

  /** Unless another image has got the name meanwhile. */
  #untag(name: string, id: string): void {
    const { images } = this.#ctx.state;
    const isTaken = this.#ctx.state.transaction(() => images.byName(name)?.id === id && images.untag(name));
    if (!isTaken) return;
    this.#untagged.push(name);
    writeEvent(this.#ctx, { type: "image", status: "untag", id, name });
  }

  async sweep(): Promise<void> {
    if (this.#deleted.length > 0) await sweepStore(this.#ctx, jobRunner(this.#ctx));
  }
}

function inUse(container: string): ConflictError {
  return new ConflictError(
    "image-in-use",
    `image used by ${container}: image is in use by a container: consider listing external containers and force-removing image`,
    { exitCode: 2 },
  );
}
