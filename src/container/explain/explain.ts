/** `run --explain` and `explain`: of a container that is there, of an image, of one that would be made. */

import { NotFoundError } from "../../base/index.ts";
import { displayName, resolveImage } from "../../image/index.ts";
import { type Context, newId } from "../../state/index.ts";
import { type BuiltConfig, buildConfig, checkCombinations } from "../config.ts";
import { findImage } from "../create.ts";
import type { CreateRequest } from "../create-options.ts";
import { pinImages } from "../image-mounts.ts";
import { driverName } from "../rootfs.ts";
import { secretUses } from "../secrets.ts";
import { resolveContainer } from "../select.ts";
import { previewContainer } from "./preview.ts";
import { explainPreview, type Section } from "./words.ts";

export interface Explained {
  readonly sections: readonly Section[];
  /** Lines for the user, as `create` would have them. */
  readonly warnings: readonly string[];
}

/** What `run` with this request would do; an image that is missing is fetched, nothing else is done. */
export async function explainRequest(ctx: Context, request: CreateRequest): Promise<Explained> {
  const id = newId();
  const { config, warnings } = await plannedConfig(ctx, request, id);
  return { sections: explainPreview(previewContainer(ctx, { id, config })), warnings };
}

/** The configuration that such a container would get. */
export async function plannedConfig(ctx: Context, request: CreateRequest, id: string): Promise<BuiltConfig> {
  const { options } = request;
  checkCombinations(options, request.given);
  const found = options.rootfs === true ? undefined : await findImage(ctx, request);
  const built = buildConfig(ctx, {
    id,
    request,
    image: found?.record,
    imageName: found === undefined ? "" : displayName(found),
    storageDriver: driverName(ctx),
  });
  const mounts = await pinImages(ctx, built.config.mounts);
  return {
    ...built,
    config: { ...built.config, mounts, secrets: await secretUses(ctx, options.secret ?? []) },
  };
}

/** A container by name or ID, else an image as `run` without options would run it. */
export async function explainName(
  ctx: Context,
  name: string,
  base: Omit<CreateRequest, "image">,
): Promise<Explained> {
  try {
    const record = resolveContainer(ctx, name);
    return { sections: explainPreview(previewContainer(ctx, record)), warnings: [] };
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    await resolveImage(ctx, name);
    return explainRequest(ctx, { ...base, image: name });
  }
}
