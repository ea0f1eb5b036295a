/** Names given and taken. */
import { NotFoundError } from "../base/index.ts";
import { localName } from "../oci/index.ts";
import { type Context, type ImageRecord, writeEvent } from "../state/index.ts";
import { findImage, imageNotKnown } from "./resolve.ts";

/** Gives an image further names; short ones become `localhost/…`. @throws {UsageError | NotFoundError} before any is given */
export function tagImage(ctx: Context, image: string, names: readonly string[]): void {
  const { record } = findImage(ctx, image);
  const full = names.map(localName);
  ctx.state.transaction(() => {
    if (!ctx.state.images.has(record.id)) throw imageNotKnown(ctx, image);
    for (const name of full) ctx.state.images.tag(record.id, name);
  });
  for (const name of names) writeEvent(ctx, { type: "image", status: "tag", id: record.id, name });
}

/**
 * Takes names away; without any, all the image has.
 *
 * @throws {NotFoundError} `tag-not-known`; nothing is taken away then
 */
export function untagImage(ctx: Context, image: string, names: readonly string[] = []): void {
  const { record } = findImage(ctx, image);
  const full = names.length === 0 ? record.names : names.map((name) => ownName(record, name));
  ctx.state.transaction(() => {
    for (const name of full)
      if (name.includes("@") || ctx.state.images.byName(name)?.id === record.id) ctx.state.images.untag(name);
  });
  for (const name of full) writeEvent(ctx, { type: "image", status: "untag", id: record.id, name });
}

/** `name@digest` is a way to find an image, not a name that is kept: taking it away changes nothing. */
function ownName({ names, repoDigests }: ImageRecord, name: string): string {
  const full = localName(name);
  const untagged = full.replace(/:[^/@]*@/, "@");
  if (names.includes(full) || repoDigests.includes(untagged)) return full;
  throw new NotFoundError("tag-not-known", `${name}: tag not known`, { exitCode: 125 });
}
