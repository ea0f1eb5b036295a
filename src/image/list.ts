/** What `images` shows: one entry for each name of an image, or one without a name. */
import type { Context, ImageRecord } from "../state/index.ts";
import { imageConfig } from "./documents.ts";
import { hasChildren, parentOf } from "./relations.ts";

export interface ImageSummary {
  readonly record: ImageRecord;
  /** Full name without tag, or undefined. */
  readonly repository?: string;
  readonly tag?: string;
  readonly labels: Readonly<Record<string, string>>;
  /** How many containers are made from it. */
  readonly containers: number;
  readonly parent?: string;
  /** Another image is made from it and it has no name. */
  readonly intermediate: boolean;
}

/** All images, newest first; each once, with its relations. */
export function listImages(ctx: Context): ImageSummary[] {
  const all = ctx.state.images.list();
  const uses = new Map<string, number>();
  for (const { config } of ctx.state.containers.list())
    uses.set(config.image, (uses.get(config.image) ?? 0) + 1);
  // Only images that share their lowest layer can be related.
  const families = Map.groupBy(all, (image) => image.layers[0]);
  return all.map((record) => {
    const family = families.get(record.layers[0]) ?? [];
    const parent = family.length > 1 ? parentOf(record, family) : undefined;
    return {
      record,
      labels: imageConfig(record).config.Labels ?? {},
      containers: uses.get(record.id) ?? 0,
      intermediate: record.names.length === 0 && family.length > 1 && hasChildren(record, family),
      ...(parent === undefined ? {} : { parent: parent.id }),
    };
  });
}

/** One entry a name, sorted as they were given. */
export function byName(image: ImageSummary): ImageSummary[] {
  if (image.record.names.length === 0) return [image];
  return image.record.names.map((name) => ({ ...image, ...splitName(name) }));
}

/** `registry:5000/x:1` → repository and tag. */
export function splitName(name: string): { repository: string; tag: string } {
  const colon = name.lastIndexOf(":");
  return colon > name.lastIndexOf("/")
    ? { repository: name.slice(0, colon), tag: name.slice(colon + 1) }
    : { repository: name, tag: "" };
}
