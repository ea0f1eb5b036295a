/** The role `__ended`: what the end of a --rm container takes along that its monitor knows nothing of. */
import { log, NotFoundError } from "../base/index.ts";
import { removeImages } from "../image/index.ts";
import { type Context, openContext } from "../state/index.ts";
import { sweepEnded } from "./sweep.ts";

/** @param words `DATA RUNTIME [IMAGE]`: anonymous volumes go in any case, the image with --rmi */
export async function finishEnded(words: readonly string[]): Promise<number> {
  const [root = "", runroot = "", image] = words;
  const ctx = await openContext({ root, runroot });
  await sweepEnded(ctx);
  if (image !== undefined) await removeUnusedImage(ctx, image);
  return 0;
}

/**
 * --rmi: the image goes with its last container; one that others use stays, with a word about it. Whoever ends the
 * container and the role `__ended` both do it, and either may be first.
 */
export async function removeUnusedImage(ctx: Context, id: string): Promise<void> {
  const image = ctx.state.images.get(id);
  if (image === undefined) return;
  const { names } = image;
  const report = await removeImages(ctx, names.length === 0 ? [id] : names);
  for (const error of report.errors) if (!(error instanceof NotFoundError)) log.warn(error.message);
}
